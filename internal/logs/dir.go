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

// logFile is a file of a log directory. It may not be open yet.
type logFile struct {
	dir   volume.Dir
	name  string
	f     *os.File
	start int64
	// kept says that the file has no archive's name yet and is in tail.unnamed. Then the reader does not close it.
	kept bool
}

// open opens the file if it is not open, and returns its size.
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

// A file of s6-log has these names one after the other: current while s6-log writes to it, previous for a moment while s6-log
// rotates, and then the archive's name.
const (
	currentName  = "current"
	previousName = "previous"
)

// openIn opens a file of a log directory, or returns nil if it does not exist.
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

// archives returns the names of a log directory's archives, oldest first. s6-log keeps ten of them. The kernel lists so few names in
// one piece, so no rotation can happen in the middle of the list.
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
	slices.Sort(names) // labels sort in the order of time
	return names, nil
}

// closed reads the name of an archive: a TAI64N label with the suffix .s (complete) or .u (s6-log died while it wrote the file). The
// time is some seconds late, because the label counts leap seconds.
func closed(name string) (time.Time, bool) {
	label, ok := strings.CutSuffix(name, ".s")
	if !ok {
		label, ok = strings.CutSuffix(name, ".u")
	}
	if !ok {
		return time.Time{}, false
	}
	at, ok := tai64n.Parse(label)
	if !ok || label[0] != '@' || at.Unix()>>62 != 0 { // before 1970, or after the last time of TAI64
		return time.Time{}, false
	}
	return at, true
}

// snapshot is the content of a log directory at one moment. No file is in it twice.
type snapshot struct {
	current  *logFile // the file that s6-log writes to; nil while it rotates
	previous *logFile // the file that s6-log has closed and not named yet; nil if there is none
	archives []string // the names of the older files
}

func (s snapshot) close() {
	s.current.close()
	s.previous.close()
}

// takeSnapshot reads a log directory. A file moves from current over previous to the archives. takeSnapshot looks in the same order,
// so it misses none. If it sees a file twice, a rotation happened in between, and it looks again. It does so a limited number of
// times, because somebody may have given one file two of the names.
func takeSnapshot(dir volume.Dir) (s snapshot, err error) {
	for tries := 0; ; tries++ {
		if s.current, err = openIn(dir, currentName); err != nil {
			return snapshot{}, err
		}
		s.previous, _ = openIn(dir, previousName) // if it cannot be read, s6-log did not make it
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
