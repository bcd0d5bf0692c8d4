package logs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/fsnotify/fsnotify"
)

// Follow passes on the lines that a query asks for, and then each new line until ctx ends. It follows across rotations and includes
// profiles whose logs appear later. It calls waiting once if there is no log yet.
func Follow(ctx context.Context, p Place, q Query, sink Sink, warn Warn, waiting func()) error {
	w, err := newWatch(p)
	if err != nil {
		return err
	}
	defer w.close()
	f := follower{watch: w, sink: sink, warn: warn, tails: map[string]*tail{}, dirty: map[string]bool{}}
	defer f.close()
	if err := f.begin(q); err != nil {
		return err
	}
	if q.Begun != nil {
		q.Begun()
	}
	if !anything(f.sorted(nil)) {
		waiting()
	}
	for {
		if err := f.wait(ctx); err != nil || ctx.Err() != nil {
			return err
		}
		if err := f.pass(); err != nil {
			return err
		}
	}
}

type follower struct {
	watch *watch
	sink  Sink
	warn  Warn
	tails map[string]*tail // the keys are directories
	dirty map[string]bool  // directories in which something has changed
	rearm bool             // directories have come or gone, so the watches have to be set again
}

func (f *follower) close() {
	for _, t := range f.tails {
		t.close()
	}
}

// sorted returns the logs of the given directories in order; nil means all.
func (f *follower) sorted(dirs map[string]bool) []*tail {
	var some []*tail
	for dir, t := range f.tails {
		if dirs == nil || dirs[dir] {
			some = append(some, t)
		}
	}
	slices.SortFunc(some, func(a, b *tail) int { return cmp.Compare(a.dir, b.dir) })
	return some
}

// begin passes on the lines that exist already. It sets the watches before it reads the logs, so that it misses nothing in between.
func (f *follower) begin(q Query) error {
	names, err := f.watch.arm(f.warn)
	if err != nil {
		return err
	}
	for _, n := range names {
		t := f.watch.place.tail(n)
		f.tails[t.dir] = t
		f.tell(t, begin(t, q))
	}
	return emit(f.sorted(nil), q, f.sink, f.warn)
}

// tell reports a problem of a log, unless the last report was the same.
func (f *follower) tell(t *tail, err error) {
	if err == nil {
		t.said = ""
		return
	}
	if t.said != err.Error() {
		t.said = err.Error()
		f.warn(t.profile, err)
	}
}

// wait returns when something has changed, or at once if there is work left.
func (f *follower) wait(ctx context.Context) error {
	if len(f.dirty) == 0 {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-f.watch.w.Events:
			if !ok {
				return errors.New("cannot follow: the system sends no more notifications")
			}
			f.note(e)
		case err := <-f.watch.errs:
			if err := f.failed(err); err != nil {
				return err
			}
		}
	}
	// Take the other events that are waiting into the same pass.
	for range 1024 {
		select {
		case e, ok := <-f.watch.w.Events:
			if ok {
				f.note(e)
				continue
			}
		default:
		}
		break
	}
	return nil
}

func (f *follower) failed(err error) error {
	if !errors.Is(err, fsnotify.ErrEventOverflow) {
		return fmt.Errorf("cannot follow: %w", err)
	}
	// Events were lost because there were too many, so look everywhere.
	f.rearm = true
	for dir := range f.tails {
		f.dirty[dir] = true
	}
	return nil
}

func (f *follower) note(e fsnotify.Event) {
	gone := e.Op.Has(fsnotify.Remove) || e.Op.Has(fsnotify.Rename)
	switch dir := filepath.Dir(e.Name); {
	case f.watch.watched[e.Name] && gone:
		f.watch.forget(e.Name)
		f.rearm = true
	case f.watch.watched[dir]:
		f.dirty[dir] = true
	case e.Name == f.watch.base && gone:
		f.watch.base, f.rearm = "", true
	case e.Op.Has(fsnotify.Create) || gone:
		f.rearm = true
	}
}

// passBytes is how much of one log is read before the other logs get their turn.
const passBytes = 1 << 20

// pass reads the new lines in the directories where something has changed.
func (f *follower) pass() error {
	if f.rearm {
		f.rearm = false
		if err := f.renew(); err != nil {
			return err
		}
	}
	dirty := f.sorted(f.dirty)
	clear(f.dirty)
	var lines []Line
	for _, t := range dirty {
		lines = f.drain(t, lines)
	}
	if len(lines) == 0 {
		return nil
	}
	slices.SortStableFunc(lines, func(a, b Line) int { return a.at.Compare(b.at) })
	return f.sink(lines)
}

// renew sets the watches again and reads the logs that have appeared.
func (f *follower) renew() error {
	names, err := f.watch.arm(f.warn)
	if err != nil {
		return err
	}
	for _, n := range names {
		dir := f.watch.place.logDir(n)
		if f.tails[dir] == nil {
			f.tails[dir] = f.watch.place.tail(n)
		}
		f.dirty[dir] = true
	}
	return nil
}

// drain adds the new lines of a log to lines. Lines beyond passBytes wait for the next pass.
func (f *follower) drain(t *tail, lines []Line) []Line {
	err := t.look()
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // the profile was deleted
	}
	for n := 0; n <= passBytes; {
		l, ok, nerr := t.next()
		if !ok {
			f.tell(t, errors.Join(err, nerr))
			return lines
		}
		lines = append(lines, l)
		n += len(l.raw) + 1
	}
	f.dirty[t.dir] = true
	return lines
}

// Waiting returns the message about what Follow waits for.
func (p Place) Waiting() string {
	if p.All {
		return fmt.Sprintf("no log yet in %s: waiting for a gateway to write one", p.Dir())
	}
	return fmt.Sprintf("no log yet of profile '%s': waiting for %s", p.Profile, filepath.Join(p.Dir(), currentName))
}
