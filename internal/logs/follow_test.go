package logs

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hermes/internal/profile"
)

// followed runs Follow in the background.
type followed struct {
	t       *testing.T
	mu      sync.Mutex
	got     []string
	warned  []string
	changed chan struct{}
	waiting chan struct{}
	end     func() error
}

func (h home) follow(p Place, q Query) *followed {
	f := &followed{t: h.t, changed: make(chan struct{}, 1), waiting: make(chan struct{})}
	ctx, cancel := context.WithCancel(h.t.Context())
	done := make(chan error, 1)
	go func() {
		done <- Follow(ctx, p, q, func(lines []Line) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			_ = collect(&f.got, p.All)(lines)
			f.poke()
			return nil
		}, func(n profile.Name, err error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.warned = append(f.warned, fmt.Sprint(n, ": ", err))
			f.poke()
		}, func() { close(f.waiting) })
	}()
	f.end = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	h.t.Cleanup(func() {
		if err := f.end(); err != nil {
			h.t.Errorf("follow: %v", err)
		}
	})
	return f
}

func (f *followed) poke() {
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

// until waits until ok is true for the lines so far.
func (f *followed) until(what string, ok func() bool) {
	f.t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		f.mu.Lock()
		good, now := ok(), slices.Clone(f.got)
		f.mu.Unlock()
		if good {
			return
		}
		select {
		case <-f.changed:
		case <-deadline:
			f.t.Fatalf("waited 10 s for %s; got %d lines, the last of them %q, warnings %q", what, len(now), now[max(0, len(now)-10):], f.warned)
		}
	}
}

func (f *followed) wants(want ...string) {
	f.t.Helper()
	f.until(fmt.Sprintf("%d lines up to %q", len(want), want[len(want)-1]), func() bool { return slices.Equal(f.got, want) })
}

func (f *followed) awaitWaiting() {
	f.t.Helper()
	select {
	case <-f.waiting:
	case <-time.After(10 * time.Second):
		f.t.Fatal("it does not say that it waits")
	}
}

func TestFollowGoesAcrossRotations(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	h := newHome(t)
	h.write("coder", currentName, minutes(0, 3))
	f := h.follow(h.one("coder"), Query{Last: 2})
	f.wants("line 1", "line 2")
	h.append("coder", minutes(3, 5))
	h.rotate("coder", minute(5))
	h.append("coder", minutes(5, 6))
	f.wants(numbers(1, 6)...)
	// Several rotations happen at once, and one line is split over two files.
	whole := minutes(6, 7)
	h.append("coder", whole[:10])
	h.append("coder", whole[10:])
	h.rotate("coder", minute(7))
	h.write("coder", archive(minute(8)), minutes(7, 8))
	h.write("coder", archive(minute(9)), minutes(8, 9))
	h.append("coder", minutes(9, 10))
	f.wants(numbers(1, 10)...)
	f.end()
}

// TestFollowLosesAndDoublesNothing rotates as fast as it can while lines are written.
func TestFollowLosesAndDoublesNothing(t *testing.T) {
	const lines = 5000
	h := newHome(t)
	h.append("coder", minutes(0, 1))
	f := h.follow(h.one("coder"), Query{Last: -1})
	for i := 1; i < lines; i++ {
		h.append("coder", minutes(i, i+1))
		if i%70 == 0 {
			h.rotate("coder", minute(i).Add(time.Second))
		}
	}
	f.until("all lines", func() bool { return len(f.got) >= lines })
	f.wants(numbers(0, lines)...)
}

// TestFollowKnowsAFileWithoutAName stops in the middle of a rotation, as s6-log may do: lines are written to the new current before
// the old one has its archive's name.
func TestFollowKnowsAFileWithoutAName(t *testing.T) {
	h := newHome(t)
	h.append("coder", minutes(0, 1))
	f := h.follow(h.one("coder"), Query{Last: -1})
	f.wants("line 0")
	h.append("coder", minutes(1, 2))
	h.rename("coder", currentName, previousName)
	h.append("coder", minutes(2, 3))
	f.wants(numbers(0, 3)...)
	h.rename("coder", previousName, archive(minute(2)))
	h.append("coder", minutes(3, 4))
	f.wants(numbers(0, 4)...)
	h.rotate("coder", minute(4))
	h.append("coder", minutes(4, 5))
	f.wants(numbers(0, 5)...)
}

func TestAFileWithoutANameIsRead(t *testing.T) {
	h := newHome(t)
	h.write("coder", archive(minute(1)), minutes(0, 1))
	h.write("coder", previousName, minutes(1, 2))
	h.write("coder", currentName, minutes(2, 3))
	for n := range 4 {
		if got, want := h.read(h.one("coder"), Query{Last: n}), numbers(3-n, 3); !slices.Equal(got, want) {
			t.Errorf("last %d: got %q, want %q", n, got, want)
		}
	}
	if got := h.read(h.one("coder"), Query{Last: -1, Since: minute(1)}); !slices.Equal(got, numbers(1, 3)) {
		t.Errorf("since: got %q", got)
	}
}

func TestFollowWaitsForALogThatIsNotThere(t *testing.T) {
	for _, exists := range []string{"", "logs", "logs/gateways", "logs/gateways/coder"} {
		h := newHome(t)
		if err := os.MkdirAll(h.root+"/"+exists, 0o755); err != nil {
			t.Fatal(err)
		}
		f := h.follow(h.one("coder"), Query{Last: 10})
		f.awaitWaiting()
		h.append("coder", minutes(0, 2))
		f.wants("line 0", "line 1")
		h.append("coder", minutes(2, 3))
		f.wants(numbers(0, 3)...)
	}
}

func TestFollowAllTakesInNewProfiles(t *testing.T) {
	h := newHome(t)
	h.write("a", currentName, stamped(minute(1), "one"))
	f := h.follow(h.all(), Query{Last: 10})
	f.wants("a:one")
	h.append("b", stamped(minute(2), "two"))
	f.wants("a:one", "b:two")
	h.append("a", stamped(minute(3), "three"))
	f.wants("a:one", "b:two", "a:three")
}

func TestFollowSurvivesADeletedProfile(t *testing.T) {
	h := newHome(t)
	h.write("a", currentName, stamped(minute(1), "one"))
	f := h.follow(h.one("a"), Query{Last: 10})
	f.wants("one")
	if err := os.RemoveAll(h.dir("a")); err != nil {
		t.Fatal(err)
	}
	h.append("a", stamped(minute(2), "two"))
	f.wants("one", "two")
	h.append("a", stamped(minute(3), "three"))
	f.wants("one", "two", "three")
}

func TestFollowBeginsAnewWhenTheFileIsEmptied(t *testing.T) {
	h := newHome(t)
	h.write("a", currentName, stamped(minute(1), "a long first line"))
	f := h.follow(h.one("a"), Query{Last: 10})
	f.wants("a long first line")
	h.write("a", currentName, "")
	h.append("a", stamped(minute(2), "two"))
	f.until("the second line", func() bool { return slices.Contains(f.got, "two") })
}

func TestFollowHoldsAnUnfinishedLine(t *testing.T) {
	h := newHome(t)
	h.write("a", currentName, stamped(minute(1), "one")+"2026-")
	f := h.follow(h.one("a"), Query{Last: 10})
	f.wants("one")
	h.append("a", "whole\n")
	f.wants("one", "2026-whole")
}

func TestFollowTellsWhatItCannotRead(t *testing.T) {
	h := newHome(t)
	h.write("good", currentName, stamped(minute(1), "one"))
	h.link("linked", h.dir("good"))
	f := h.follow(h.all(), Query{Last: 10})
	f.until("the warning", func() bool { return len(f.warned) == 1 && len(f.got) == 1 })
	h.append("good", stamped(minute(2), "two"))
	f.wants("good:one", "good:two")

	err := Follow(t.Context(), h.one("linked"), Query{Last: 1}, nil, nil, func() {})
	if err == nil {
		t.Error("a linked log directory is followed")
	}
}
