package gateway

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"hermes/internal/profile/config"
	"hermes/internal/store"
)

// prunes records the calls of Prune.
type prunes struct {
	calls  chan store.Retention
	answer error
}

func (p prunes) Prune(ctx context.Context, keep store.Retention, now time.Time) (store.Removed, error) {
	if d := time.Since(now); d < -time.Minute || d > time.Minute {
		return store.Removed{}, errors.New("that is not the time")
	}
	select {
	case p.calls <- keep:
	case <-ctx.Done():
	}
	return store.Removed{Sessions: 3, Messages: 14}, p.answer
}

func TestWhatIsNotKeptIsRemovedAgainAndAgainAndSaid(t *testing.T) {
	t.Parallel()
	want := store.Retention{MaxAge: 90 * 24 * time.Hour, MaxMessages: 500}
	if got := retentionOf(config.Config{Sessions: config.Sessions{MaxAge: "90d", MaxMessages: 500}}); got != want {
		t.Fatalf("%+v", got)
	}
	var said bytes.Buffer
	p := prunes{calls: make(chan store.Retention), answer: errors.New("the disk is full")}
	stop := retain(p, want, slog.New(slog.NewTextHandler(&said, nil)), time.Millisecond, time.Millisecond)
	for range 3 {
		if got := <-p.calls; got != want {
			t.Errorf("%+v", got)
		}
	}
	stop() // waits for the pruning goroutine, so nothing writes to the buffer any more
	if got := said.String(); !strings.Contains(got, `msg="old sessions removed" sessions=3 messages=14`) || !strings.Contains(got, `msg="old sessions stay" error="the disk is full"`) {
		t.Errorf("%s", got)
	}
}

func TestWhereEverythingIsKeptNothingIsEverRemoved(t *testing.T) {
	t.Parallel()
	if keep := retentionOf(config.Config{}); keep.On() {
		t.Fatalf("without a word of it %+v is kept", keep)
	}
	retain(nil, store.Retention{}, slog.New(slog.DiscardHandler), 0, 0)()
}
