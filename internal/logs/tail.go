package logs

import (
	"io"
	"path/filepath"
	"slices"
	"time"

	"hermes/internal/profile"
	"hermes/internal/volume"
)

// tail reads the log of one profile, oldest line first, and goes on where it stopped.
type tail struct {
	profile profile.Name
	dir     string
	known   map[string]bool // the archives that have been seen
	queue   []*logFile      // what comes after active
	active  *logFile
	lines   *scanner
	// final says that the log is read to its end and no further: its unfinished line is a line.
	final bool
	clock time.Time // of the last line
	said  string    // the last problem told, so that it is told once
}

// look finds out what the directory holds that has not been queued: at the first time everything, later what a
// rotation brought. Nothing new is no error.
func (t *tail) look() error {
	if err := volume.IsDir(t.dir); err != nil {
		return err
	}
	current, names, err := snapshot(t.dir)
	if err != nil {
		return err
	}
	last := t.newest()
	if last != nil && (current == nil || same(current.f, last.f)) {
		// Nothing was rotated, or the next current is not there yet; its coming will be told.
		if current != nil {
			current.close()
			t.rewindIfCut()
		}
		return nil
	}
	known := make(map[string]bool, len(names))
	for _, name := range names {
		known[name] = true
		path := filepath.Join(t.dir, name)
		if t.known[name] || last != nil && is(path, last.f) || current != nil && is(path, current.f) {
			continue
		}
		t.queue = append(t.queue, &logFile{path: path})
	}
	t.known = known
	if current != nil {
		t.queue = append(t.queue, current)
	}
	return nil
}

// newest is the open file that was current when it was looked at last.
func (t *tail) newest() *logFile {
	if n := len(t.queue); n > 0 && t.queue[n-1].f != nil {
		return t.queue[n-1]
	}
	if len(t.queue) == 0 && t.active != nil {
		return t.active
	}
	return nil
}

// rewindIfCut goes to the beginning of a file that somebody has emptied.
func (t *tail) rewindIfCut() {
	if t.active == nil || len(t.queue) > 0 {
		return
	}
	info, err := t.active.f.Stat()
	if err == nil && info.Size() < t.active.start+t.lines.read {
		t.active.start = 0
		_ = t.enter()
	}
}

// enter begins to read the active file at its start.
func (t *tail) enter() error {
	if _, err := t.active.f.Seek(t.active.start, io.SeekStart); err != nil {
		return err
	}
	t.lines = newScanner(t.active.f)
	return nil
}

// next returns the next line. ok is false when there is none now.
func (t *tail) next() (_ Line, ok bool, err error) {
	for {
		if t.active == nil {
			if len(t.queue) == 0 {
				return Line{}, false, nil
			}
			t.active, t.queue = t.queue[0], t.queue[1:]
			if _, err := t.active.open(); err != nil {
				t.active = nil // removed by the rotation meanwhile, or no file
				continue
			}
			if err := t.enter(); err != nil {
				return Line{}, false, err
			}
		}
		raw, ok, err := t.lines.next()
		if err != nil {
			return Line{}, false, err
		}
		if ok {
			return t.line(raw), true, nil
		}
		if len(t.queue) == 0 && !t.final {
			return Line{}, false, nil
		}
		raw, ok = t.lines.flush()
		t.active.close()
		t.active = nil
		if ok {
			return t.line(raw), true, nil
		}
	}
}

func (t *tail) line(raw string) Line {
	l := parseLine(t.profile, raw)
	if l.at.IsZero() {
		l.at = t.clock
	}
	t.clock = l.at
	return l
}

func (t *tail) close() {
	if t.active != nil {
		t.active.close()
	}
	for _, f := range t.queue {
		f.close()
	}
	t.active, t.queue = nil, nil
}

// seek leaves in the queue what a query asks for. It is called once, after the first look.
func (t *tail) seek(q Query) error {
	if !q.Since.IsZero() {
		if err := t.seekTime(q.Since); err != nil {
			return err
		}
	}
	if q.Last < 0 {
		return nil
	}
	left := q.Last
	for i := len(t.queue) - 1; i >= 0; i-- {
		f := t.queue[i]
		size, err := f.open()
		if err != nil {
			t.queue = slices.Delete(t.queue, i, i+1)
			continue
		}
		start, lines, err := lastLines(f.f, f.start, size, left)
		if err != nil {
			return err
		}
		f.start = start
		if i < len(t.queue)-1 || !t.isCurrent(f) {
			f.close() // opened again when its turn comes: no more than two open files for a log
		}
		if left -= lines; left <= 0 {
			for _, older := range t.queue[:i] {
				older.close()
			}
			t.queue = t.queue[i:]
			return nil
		}
	}
	return nil
}

func (t *tail) isCurrent(f *logFile) bool { return filepath.Base(f.path) == currentName }

// seekTime drops what is older than a time.
func (t *tail) seekTime(since time.Time) error {
	for len(t.queue) > 0 {
		f := t.queue[0]
		if at, ok := closed(filepath.Base(f.path)); ok && at.Before(since) {
			t.queue = t.queue[1:]
			continue
		}
		if _, err := f.open(); err != nil {
			t.queue = t.queue[1:]
			continue
		}
		found, err := t.seekIn(f, since)
		if err != nil || found {
			return err
		}
		if t.isCurrent(f) {
			return nil // all of it is older; what comes next is not
		}
		f.close()
		t.queue = t.queue[1:]
	}
	return nil
}

// seekIn moves a file's start to its first line at or after a time, or to its end.
func (t *tail) seekIn(f *logFile, since time.Time) (found bool, err error) {
	if _, err := f.f.Seek(f.start, io.SeekStart); err != nil {
		return false, err
	}
	s := newScanner(f.f)
	for {
		before := s.read
		raw, ok, err := s.next()
		if err != nil {
			return false, err
		}
		if !ok {
			raw, _ = s.flush()
		}
		l := parseLine(t.profile, raw)
		switch {
		case !l.Time.IsZero() && !l.Time.Before(since),
			!ok && l.Time.IsZero() && raw != "" && !t.final: // it is being written: new
			f.start += before
			return true, nil
		case !ok:
			f.start += s.read
			return false, nil
		}
	}
}
