package logs

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hermes/internal/volume"
)

// logFile is a file of a log directory, open or to be opened when its turn comes.
type logFile struct {
	path  string
	f     *os.File
	start int64
}

// open opens the file if it is not, and returns its size.
func (l *logFile) open() (int64, error) {
	if l.f == nil {
		f, err := volume.Open(l.path)
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
	if l.f != nil {
		l.f.Close()
		l.f = nil
	}
}

// currentName is the file that s6-log writes to.
const currentName = "current"

// openCurrent returns the file that s6-log writes to, or nil if there is none now.
func openCurrent(dir string) (*logFile, error) {
	path := filepath.Join(dir, currentName)
	f, err := volume.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &logFile{path: path, f: f}, nil
}

// archives returns the names of the closed files of a log directory, oldest first. s6-log keeps ten, which
// the kernel lists in one piece: no rotation falls between two names.
func archives(dir string) ([]string, error) {
	if err := volume.IsDir(dir); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
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
// some seconds late, for it counts leap seconds (https://cr.yp.to/libtai/tai64.html).
func closed(name string) (time.Time, bool) {
	label, ok := strings.CutSuffix(name, ".s")
	if !ok {
		label, ok = strings.CutSuffix(name, ".u")
	}
	label, at := strings.CutPrefix(label, "@")
	if !ok || !at || len(label) != 24 {
		return time.Time{}, false
	}
	raw, err := hex.DecodeString(label)
	if err != nil {
		return time.Time{}, false
	}
	secs := binary.BigEndian.Uint64(raw[:8])
	if secs>>62 != 1 {
		return time.Time{}, false
	}
	return time.Unix(int64(secs&^(1<<62)), int64(binary.BigEndian.Uint32(raw[8:]))), true
}

// snapshot returns what s6-log writes to, open, or nil if there is nothing now, and the archives that are older. What
// was rotated between the two looks is looked at again, but not for ever: an archive may be
// a second name of current.
func snapshot(dir string) (current *logFile, names []string, err error) {
	for tries := 0; ; tries++ {
		if current, err = openCurrent(dir); err != nil {
			return nil, nil, err
		}
		names, err = archives(dir)
		if current == nil {
			return nil, names, err
		}
		rotated := slices.ContainsFunc(names, func(name string) bool { return is(filepath.Join(dir, name), current.f) })
		if err == nil && (!rotated || tries == 10) {
			return current, names, nil
		}
		current.close()
		if err != nil {
			return nil, nil, err
		}
	}
}

// is reports whether a name is that open file.
func is(path string, f *os.File) bool {
	a, erra := os.Lstat(path)
	b, errb := f.Stat()
	return erra == nil && errb == nil && os.SameFile(a, b)
}

func same(f, g *os.File) bool {
	a, erra := f.Stat()
	b, errb := g.Stat()
	return erra == nil && errb == nil && os.SameFile(a, b)
}
