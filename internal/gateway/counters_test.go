package gateway

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"testing"
	"time"

	"hermes/internal/conversation"
	"hermes/internal/model"
	"hermes/internal/profile"
)

type turner func(context.Context) error

func (f turner) Turn(ctx context.Context, _ conversation.Request, _ func(model.Event) error) (model.Result, error) {
	return model.Result{}, f(ctx)
}

func TestWhatWasCountedOutlivesTheGateway(t *testing.T) {
	h := profile.Home{Name: profile.Default(), Dir: t.TempDir()}
	log := slog.New(slog.DiscardHandler)
	var outcome error
	run := func(ctx context.Context, c *counters, err error) {
		outcome = err
		if _, got := c.Turn(ctx, conversation.Request{}, nil); !errors.Is(got, err) {
			t.Fatal(got)
		}
	}
	next := turner(func(context.Context) error { return outcome })
	gone, leave := context.WithCancel(t.Context())
	leave()
	first := newCounters(next, h, log)
	run(t.Context(), first, nil)
	run(t.Context(), first, errors.New("the model is down"))
	run(t.Context(), first, conversation.ErrBusy)
	run(t.Context(), first, &conversation.SaveError{Err: errors.New("full")})
	run(gone, first, context.Canceled)
	first.save()
	second := newCounters(next, h, log)
	run(t.Context(), second, nil)
	second.save()
	got, err := profile.ReadCounters(h)
	if err != nil || got.MessagesIn != 6 || got.MessagesOut != 2 || got.Turns != 6 || got.ModelErrors != 1 || got.TurnSeconds <= 0 || time.Since(got.LastMessage) > time.Minute {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestNothingIsWrittenWhileNothingHappens(t *testing.T) {
	h := profile.Home{Name: profile.Default(), Dir: t.TempDir()}
	c := newCounters(turner(func(context.Context) error { return nil }), h, slog.New(slog.DiscardHandler))
	c.save()
	if _, err := os.Lstat(h.CountersFile()); err == nil || c.pending != nil {
		t.Errorf("%v, a timer: %v", err, c.pending != nil)
	}
}

func TestBrokenCountersBeginAtZero(t *testing.T) {
	for _, text := range []string{"{", `{"messages_in":-1}`, `{"turn_seconds":-5}`, `{"turn_seconds":1e999}`, `[]`} {
		h := profile.Home{Name: profile.Default(), Dir: t.TempDir()}
		if err := os.WriteFile(h.CountersFile(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if c := newCounters(nil, h, slog.New(slog.DiscardHandler)); c.now != (profile.Counters{}) {
			t.Errorf("%s: %+v", text, c.now)
		}
	}
}
