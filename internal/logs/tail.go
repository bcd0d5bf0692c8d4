package logs

import (
	"io"
	"slices"
	"time"

	"hermes/internal/profile"
	"hermes/internal/volume"
)

// tail reads the log of one profile, the oldest line first. A later call of next goes on where it stopped.
type tail struct {
	profile profile.Name
	zone    *time.Location // see Place
	dir     string
	files   volume.Dir      // the same directory, opened
	known   map[string]bool // the archives that are read or in the queue
	unnamed []*logFile      // files that were seen before they had an archive's name
	queue   []*logFile      // the files to read after active
	active  *logFile
	lines   *scanner
	// final says that nothing more is written, so the unfinished line at the end counts as a line.
	final bool
	clock time.Time // the time of the last line
	said  string    // the problem that was reported last, so that it is reported once
}

// look queues the files of the directory that it has not seen: all of them at the first call, later those that a rotation brought.
// It is no error if there are none.
func (t *tail) look() error {
	if err := t.files.IsDir("."); err != nil {
		return err
	}
	last := t.newest()
	if last != nil && t.files.Is(currentName, last.f) {
		t.rewindIfCut()
		return nil
	}
	s, err := takeSnapshot(t.files)
	if err != nil {
		return err
	}
	if last != nil && (s.current == nil || same(s.current.f, last.f)) {
		s.close() // the next current does not exist yet; a notification comes when it does
		return nil
	}
	if last != nil {
		t.expectName(last)
	}
	known := make(map[string]bool, len(s.archives))
	for _, name := range s.archives {
		known[name] = true
		if !t.known[name] && !t.nowNamed(name) {
			t.queue = append(t.queue, &logFile{dir: t.files, name: name})
		}
	}
	for name := range t.known {
		// A long listing is not taken at one moment and may leave a name out, so ask for each name again.
		if _, err := t.files.Lstat(name); err == nil {
			known[name] = true
		}
	}
	t.known = known
	if p := s.previous; p != nil {
		if slices.ContainsFunc(t.unnamed, func(l *logFile) bool { return same(l.f, p.f) }) {
			p.close()
		} else {
			t.expectName(p)
			t.queue = append(t.queue, p)
		}
	}
	if s.current != nil {
		t.queue = append(t.queue, s.current)
	}
	return nil
}

// expectName remembers a file that will appear again under an archive's name. It keeps the file open, because then no other file can
// get the same identity.
func (t *tail) expectName(l *logFile) {
	if l.kept {
		return
	}
	l.kept = true
	t.unnamed = append(t.unnamed, l)
	if len(t.unnamed) > 4 { // s6-log has only one such file; the others were removed before they got a name
		t.forget(0)
	}
}

// nowNamed reports whether an archive is one of the files that were waiting for their name.
func (t *tail) nowNamed(name string) bool {
	i := slices.IndexFunc(t.unnamed, func(l *logFile) bool { return t.files.Is(name, l.f) })
	if i < 0 {
		return false
	}
	t.forget(i)
	return true
}

func (t *tail) forget(i int) {
	l := t.unnamed[i]
	t.unnamed = slices.Delete(t.unnamed, i, i+1)
	l.kept = false
	if l != t.active && !slices.Contains(t.queue, l) {
		l.close() // the file has been read
	}
}

// newest returns the open file that was current at the last look.
func (t *tail) newest() *logFile {
	if n := len(t.queue); n > 0 && t.queue[n-1].f != nil {
		return t.queue[n-1]
	}
	if len(t.queue) == 0 && t.active != nil {
		return t.active
	}
	return nil
}

// rewindIfCut goes back to the beginning of the file if another program has truncated it.
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

// enter goes to where the reading of the active file starts.
func (t *tail) enter() error {
	if _, err := t.active.f.Seek(t.active.start, io.SeekStart); err != nil {
		return err
	}
	t.lines = newScanner(t.active.f)
	return nil
}

// next returns the next line. ok is false if there is none now.
func (t *tail) next() (_ Line, ok bool, err error) {
	for {
		if t.active == nil {
			if len(t.queue) == 0 {
				return Line{}, false, nil
			}
			t.active, t.queue = t.queue[0], t.queue[1:]
			if _, err := t.active.open(); err != nil {
				t.active = nil // the rotation has removed it meanwhile, or it is not a regular file
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
		if !t.active.kept {
			t.active.close()
		}
		t.active = nil
		if ok {
			return t.line(raw), true, nil
		}
	}
}

func (t *tail) line(raw string) Line {
	l := parseLine(t.profile, raw, t.zone)
	if l.at.IsZero() {
		l.at = t.clock
	}
	t.clock = l.at
	return l
}

func (t *tail) close() {
	t.active.close()
	for _, f := range slices.Concat(t.queue, t.unnamed) {
		f.close()
	}
	t.active, t.queue, t.unnamed = nil, nil, nil
}

// seek removes from the queue what the query does not ask for. It is called once, after the first look.
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
		if !f.kept && !t.isCurrent(f) {
			f.close() // it is opened again when its turn comes, so that a log has no more than two open files
		}
		if left -= lines; left <= 0 {
			t.drop(i)
			return nil
		}
	}
	return nil
}

// drop removes the oldest files from the queue without reading them.
func (t *tail) drop(n int) {
	for _, f := range t.queue[:n] {
		if !f.kept {
			f.close()
		}
	}
	t.queue = t.queue[n:]
}

func (t *tail) isCurrent(f *logFile) bool { return f.name == currentName }

// seekTime removes from the queue what is older than a time.
func (t *tail) seekTime(since time.Time) error {
	for len(t.queue) > 0 {
		f := t.queue[0]
		if at, ok := closed(f.name); ok && at.Before(since) {
			t.drop(1)
			continue
		}
		if _, err := f.open(); err != nil {
			t.drop(1)
			continue
		}
		found, err := t.seekIn(f, since)
		if err != nil || found {
			return err
		}
		if t.isCurrent(f) {
			return nil // all of this file is older, and the next file is not
		}
		t.drop(1)
	}
	return nil
}

// seekIn moves the start of a file to its first line at or after a time, or to its end if there is none.
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
		l := parseLine(t.profile, raw, t.zone)
		switch {
		case !l.Time.IsZero() && !l.Time.Before(since),
			!ok && l.Time.IsZero() && raw != "" && !t.final: // a line that is being written now counts as new
			f.start += before
			return true, nil
		case !ok:
			f.start += s.read
			return false, nil
		}
	}
}
