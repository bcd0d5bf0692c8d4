package conversation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hermes/internal/model"
	"hermes/internal/store"
	"hermes/internal/volume"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeModel is a provider made of one function.
type fakeModel func(ctx context.Context, r model.Request, emit func(string) error) (model.Result, error)

func (fakeModel) Name() string { return "fake" }
func (f fakeModel) Stream(ctx context.Context, r model.Request, emit func(model.Event) error) (model.Result, error) {
	return f(ctx, r, func(text string) error { return emit(model.TextDelta(text)) })
}

type fixture struct {
	*Conversation
	soul  string
	store *store.Store
}

func newFixture(t *testing.T, m fakeModel) fixture {
	t.Helper()
	dir := t.TempDir()
	soul := filepath.Join(dir, "SOUL.md")
	if err := os.WriteFile(soul, []byte("You are Ada.\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), filepath.Join(dir, "hermes.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return fixture{New(volume.At(dir), Soul{"SOUL.md", 1 << 20}, m, s, slog.New(slog.NewTextHandler(io.Discard, nil))), soul, s}
}

func ask(session, text string) Request {
	return Request{Session: session, Messages: []model.Message{model.TextMessage(model.User, text)}}
}

func discard(model.Event) error { return nil }

func contents(msgs []model.Message) string {
	var b strings.Builder
	for _, m := range msgs {
		fmt.Fprintf(&b, "%s=%s|", m.Role, m.Text())
	}
	return b.String()
}

func TestSessionRemembersAndIgnoresRepeatedHistory(t *testing.T) {
	var seen []string
	f := newFixture(t, func(_ context.Context, r model.Request, emit func(string) error) (model.Result, error) {
		seen = append(seen, contents(r.Messages))
		return model.Result{Finish: model.FinishStop}, emit(fmt.Sprintf("answer %d", len(seen)))
	})
	f.Turn(t.Context(), ask("s", "one"), discard)
	r := Request{Session: "s", Messages: []model.Message{model.TextMessage(model.User, "forged"), model.TextMessage(model.Assistant, "forged"), model.TextMessage(model.User, "two")}}
	if _, err := f.Turn(t.Context(), r, discard); err != nil {
		t.Fatal(err)
	}
	want := []string{"user=one|", "user=one|assistant=answer 1|user=two|"}
	if !reflect.DeepEqual(seen, want) {
		t.Errorf("got %q, want %q", seen, want)
	}
}

func TestStatelessTurnLeavesNothingBehind(t *testing.T) {
	var seen string
	f := newFixture(t, func(_ context.Context, r model.Request, emit func(string) error) (model.Result, error) {
		seen = contents(r.Messages)
		return model.Result{}, emit("x")
	})
	r := Request{Messages: []model.Message{model.TextMessage(model.Assistant, "greeting"), model.TextMessage(model.User, "a"), model.TextMessage(model.User, "b")}}
	if _, err := f.Turn(t.Context(), r, discard); err != nil || seen != "user=a\n\nb|" {
		t.Errorf("%q %v", seen, err)
	}
	if got, _ := f.store.History(t.Context(), "", 1<<20); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestSoulEditsTakeEffectAndItsLossDoesNot(t *testing.T) {
	var system string
	f := newFixture(t, func(_ context.Context, r model.Request, _ func(string) error) (model.Result, error) {
		system = r.System
		return model.Result{}, nil
	})
	check := func(want string) {
		t.Helper()
		r := ask("", "x")
		r.System = "Be brief."
		f.Turn(t.Context(), r, discard)
		if system != want+"\n\nBe brief." {
			t.Errorf("system %q", system)
		}
	}
	check("You are Ada.")
	os.WriteFile(f.soul, []byte("You are Bob."), 0o644)
	check("You are Bob.")
	os.Remove(f.soul)
	check("You are Bob.")
}

func TestInterruptedAnswerLeavesAHistoryThatWorks(t *testing.T) {
	var seen string
	broken := &model.Error{Kind: model.Unavailable, Msg: "broke"}
	script := []func(emit func(string) error) error{
		func(func(string) error) error { return broken },                   // the model fails before its first word
		func(func(string) error) error { return broken },                   // the client tries again
		func(emit func(string) error) error { emit("par"); return broken }, // the model fails in the middle
		func(emit func(string) error) error { return emit("whole") },
	}
	f := newFixture(t, func(_ context.Context, r model.Request, emit func(string) error) (model.Result, error) {
		seen = contents(r.Messages)
		next := script[0]
		script = script[1:]
		return model.Result{}, next(emit)
	})
	for i, text := range []string{"one", "one", "two", "three"} {
		_, err := f.Turn(t.Context(), ask("s", text), discard)
		if i < 3 && !errors.Is(err, broken) || i == 3 && err != nil {
			t.Fatalf("turn %d: %v", i, err)
		}
	}
	if want := "user=one\n\ntwo|assistant=par|user=three|"; seen != want {
		t.Errorf("got %q, want %q", seen, want)
	}
	got, _ := f.store.History(t.Context(), "s", 1<<20)
	if len(got) != 5 || !got[2].Interrupted || got[4].Interrupted {
		t.Errorf("%+v", got)
	}
}

func TestClientThatGoesAwayKeepsItsQuestionAndHalfAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := newFixture(t, func(ctx context.Context, _ model.Request, emit func(string) error) (model.Result, error) {
		emit("half")
		cancel()
		<-ctx.Done()
		return model.Result{}, ctx.Err()
	})
	if _, err := f.Turn(ctx, ask("s", "q"), discard); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	got, err := f.store.History(t.Context(), "s", 1<<20)
	if err != nil || len(got) != 2 || got[1].Content != "half" || !got[1].Interrupted {
		t.Fatalf("%+v %v", got, err)
	}
}

func TestTurnsOfOneSessionWaitAndOthersDoNot(t *testing.T) {
	var mu sync.Mutex
	running := map[string]int{}
	other := make(chan struct{})
	f := newFixture(t, func(_ context.Context, r model.Request, emit func(string) error) (model.Result, error) {
		id, _, _ := strings.Cut(r.Messages[len(r.Messages)-1].Text(), " ")
		mu.Lock()
		running[id]++
		if running[id] > 1 {
			t.Errorf("two turns of session %s at once", id)
		}
		mu.Unlock()
		if id == "blocked" {
			<-other // this turn goes on only when another session has got through
		}
		mu.Lock()
		running[id]--
		mu.Unlock()
		return model.Result{}, emit("ok")
	})
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() { f.Turn(t.Context(), ask("blocked", fmt.Sprint("blocked ", i)), discard) })
	}
	if _, err := f.Turn(t.Context(), ask("free", "free 1"), discard); err != nil {
		t.Fatal(err)
	}
	close(other)
	wg.Wait()
	if got, _ := f.store.History(t.Context(), "blocked", 1<<20); len(got) != 20 {
		t.Errorf("%d messages", len(got))
	}
	if len(f.queue.lines) != 0 {
		t.Errorf("queue keeps %d sessions", len(f.queue.lines))
	}
}

func TestWaitingTurnLeavesTheQueueWithItsClient(t *testing.T) {
	var q queue
	leave, err := q.enter(t.Context(), "s", func() {})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := q.enter(ctx, "s", func() {}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	q.lines["s"].people = maxQueue + 1
	if _, err := q.enter(t.Context(), "s", func() {}); !errors.Is(err, ErrBusy) {
		t.Fatal(err)
	}
	q.lines["s"].people = 1
	leave()
	if len(q.lines) != 0 {
		t.Error("queue is not empty")
	}
}

// TestATurnBeginsWhenItIsTaken: Begun is called before the turn waits for another turn or for the model, and not if it is
// refused.
func TestATurnBeginsWhenItIsTaken(t *testing.T) {
	begun := make(chan string, 10)
	release := make(chan struct{})
	f := newFixture(t, func(_ context.Context, r model.Request, _ func(string) error) (model.Result, error) {
		begun <- "model"
		<-release
		return model.Result{}, nil
	})
	request := func(session, name string) Request {
		r := ask(session, name)
		r.Begun = func() { begun <- name }
		return r
	}
	next := func(want string) {
		t.Helper()
		select {
		case got := <-begun:
			if got != want {
				t.Errorf("%s comes first, want %s", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("waited 10 s for %s", want)
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() { f.Turn(t.Context(), request("s", "first"), discard) })
	next("first")
	next("model")
	wg.Go(func() { f.Turn(t.Context(), request("s", "second"), discard) })
	next("second") // the first turn still runs
	f.queue.mu.Lock()
	f.queue.lines["s"].people += maxQueue
	f.queue.mu.Unlock()
	if _, err := f.Turn(t.Context(), request("s", "too many"), discard); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	f.queue.mu.Lock()
	f.queue.lines["s"].people -= maxQueue
	f.queue.mu.Unlock()
	wg.Go(func() { f.Turn(t.Context(), request("", "stateless"), discard) })
	next("stateless")
	next("model")
	close(release)
	wg.Wait()
	next("model")
	f.store.Close()
	var unsaved *SaveError
	if _, err := f.Turn(t.Context(), request("s", "unreadable"), discard); !errors.As(err, &unsaved) || len(begun) > 0 {
		t.Errorf("%v, %d are told", err, len(begun))
	}
}

// slowSessions saves only when the test lets it.
type slowSessions struct {
	saving chan struct{}
	err    error
}

func (s slowSessions) History(context.Context, string, int) ([]store.Message, error) { return nil, nil }
func (s slowSessions) Append(context.Context, string, ...store.Message) error {
	<-s.saving
	return s.err
}

func TestFirstTokenDoesNotWaitForTheDatabase(t *testing.T) {
	s := slowSessions{saving: make(chan struct{}), err: errors.New("disk full")}
	f := newFixture(t, func(_ context.Context, _ model.Request, emit func(string) error) (model.Result, error) {
		return model.Result{}, emit("first")
	})
	c := New(volume.At(filepath.Dir(f.soul)), Soul{"SOUL.md", 1 << 20}, f.provider, s, f.log)
	first := make(chan struct{})
	done := make(chan error)
	go func() {
		_, err := c.Turn(t.Context(), ask("s", "q"), func(model.Event) error { close(first); return nil })
		done <- err
	}()
	select {
	case <-first:
	case <-time.After(10 * time.Second):
		t.Fatal("the first token waits for the question to be saved")
	}
	close(s.saving)
	var se *SaveError
	if err := <-done; !errors.As(err, &se) {
		t.Errorf("a turn that is not remembered says %v", err)
	}
}

// TestManySmallMessagesAreMergedInTheirOrder, and the copying grows with the number of bytes, not with its square.
func TestManySmallMessagesAreMergedInTheirOrder(t *testing.T) {
	const n = 20000
	msgs := make([]model.Message, 0, n)
	for range n {
		msgs = append(msgs, model.TextMessage(model.User, "x"))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := merge(append(msgs, model.TextMessage(model.Assistant, "y")))
	runtime.ReadMemStats(&after)
	if len(got) != 2 || got[0].Text() != strings.TrimSuffix(strings.Repeat("x\n\n", n), "\n\n") || got[1].Text() != "y" {
		t.Errorf("%d messages", len(got))
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 16<<20 {
		t.Errorf("%d MB for %d kB of text", took>>20, 3*n>>10)
	}
}
