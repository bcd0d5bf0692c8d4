package logs

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"hermes/internal/tai64n"
	"hermes/internal/volume"
)

// logFile is a file of a log directory, open or to be opened when its turn comes.
type logFile struct {
	dir   volume.Dir
	name  string
	f     *os.File
	start int64
	// kept is a file that has no lasting name yet (tail.unnamed). Reading does not close it.
	kept bool
}

// open opens the file if it is not, and returns its size.
func (l *logFile) open() (int64, error) {
	if l.f == nil {
		f, err := l.dir.Open(l.name)
		if err != nil {
			return 0, err
		}
		l.f = f
	}
	info, err := l.f.Stat()
	if err != nil {
		return 0, err
	}
	l.start = max(l.start, info.Size()-maxFile)
	return info.Size(), nil
}

func (l *logFile) close() {
	if l != nil && l.f != nil {
		l.f.Close()
		l.f = nil
	}
}

// The names that a file of s6-log has in turn: current while it is written, previous for a moment while it is rotated, and
// then the archive's.
const (
	currentName  = "current"
	previousName = "previous"
)

// openIn opens a file of a log directory, or returns nil if there is none now.
func openIn(dir volume.Dir, name string) (*logFile, error) {
	f, err := dir.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &logFile{dir: dir, name: name, f: f}, nil
}

// archives returns the names of the closed files of a log directory, oldest first. s6-log keeps ten, which
// the kernel lists in one piece: no rotation falls between two names.
func archives(dir volume.Dir) ([]string, error) {
	entries, err := dir.ReadDir(".")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if _, ok := closed(e.Name()); ok && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names) // a label's order is the order of time
	return names, nil
}

// closed reads the name of an archive: a TAI64N label, and .s (complete) or .u (s6-log died over it). The time is
// some seconds late, for it counts leap seconds.
func closed(name string) (time.Time, bool) {
	label, ok := strings.CutSuffix(name, ".s")
	if !ok {
		label, ok = strings.CutSuffix(name, ".u")
	}
	if !ok {
		return time.Time{}, false
	}
	at, ok := tai64n.Parse(label)
	if !ok || label[0] != '@' || at.Unix()>>62 != 0 { // before 1970, or after the end of all time
		return time.Time{}, false
	}
	return at, true
}

// snapshot is a log directory at one moment. Each file is in it once.
type snapshot struct {
	current  *logFile // what s6-log writes to; nil between two files
	previous *logFile // what it has just closed and not yet named; nil if there is none
	archives []string // what is older
}

func (s snapshot) close() {
	s.current.close()
	s.previous.close()
}

// takeSnapshot looks at a directory. A file moves from current over previous to the archives; the looks go the same way, so
// none is missed, and one that was seen twice shows that something was rotated in between: then it looks
// again. Not for ever: somebody may have given one file two of the names.
func takeSnapshot(dir volume.Dir) (s snapshot, err error) {
	for tries := 0; ; tries++ {
		if s.current, err = openIn(dir, currentName); err != nil {
			return snapshot{}, err
		}
		s.previous, _ = openIn(dir, previousName) // what cannot be read is none of s6-log's
		if s.archives, err = archives(dir); err != nil {
			s.close()
			return snapshot{}, err
		}
		named := func(l *logFile) bool {
			return l != nil && slices.ContainsFunc(s.archives, func(name string) bool { return dir.Is(name, l.f) })
		}
		rotated := named(s.current) || s.current != nil && s.previous != nil && same(s.current.f, s.previous.f)
		if named(s.previous) {
			s.previous.close()
			s.previous = nil
		}
		if !rotated || tries == 10 {
			return s, nil
		}
		s.close()
	}
}

func same(f, g *os.File) bool {
	a, erra := f.Stat()
	b, errb := g.Stat()
	return erra == nil && errb == nil && os.SameFile(a, b)
}
