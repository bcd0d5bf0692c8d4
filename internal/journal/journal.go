// Package journal keeps records, one JSON object a line, in a file that does not grow without limit.
package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"hermes/internal/volume"
)

// Limit is the size in bytes at which a journal is set aside as NAME.1, which replaces the one of before.
const Limit = 1 << 20

// maxRecord is the longest record in bytes: some of them must not push out all others.
const maxRecord = Limit / 8

// Journal is one such file. Its methods are safe for concurrent use within a process; another process that appends is
// no harm, another that rotates at the same time may cost records.
type Journal struct {
	dir  volume.Dir
	name string
	mu   sync.Mutex
}

// New returns the journal in a file of a directory. Nothing is opened: both are made by the first Append.
func New(dir volume.Dir, name string) *Journal { return &Journal{dir: dir, name: name} }

// Path returns the file's path.
func (j *Journal) Path() string { return j.dir.Path(j.name) }

// Append adds records, all or none, in one write.
func (j *Journal) Append(records ...any) error {
	var b bytes.Buffer
	for _, r := range records {
		line, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("cannot record in %s: %w", j.Path(), err)
		}
		if len(line) > maxRecord {
			return fmt.Errorf("cannot record in %s: %w: %d bytes", j.Path(), volume.ErrTooLarge, len(line))
		}
		b.Write(line)
		b.WriteByte('\n')
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.dir.AppendLimited(j.name, b.Bytes(), 0o600, Limit); err != nil {
		return fmt.Errorf("cannot record in %s: %w", j.Path(), err)
	}
	return nil
}

// last reads a file, or its end if somebody made it larger than it can have become here.
func (j *Journal) last(name string) ([]byte, error) {
	f, err := j.dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if over := info.Size() - 2*Limit; over > 0 {
		if _, err := f.Seek(over, io.SeekStart); err != nil {
			return nil, err
		}
	}
	return io.ReadAll(io.LimitReader(f, 2*Limit))
}

// Read calls each with every line that is one JSON value, the oldest first. What is none, such as the half of a line
// that a full disk left, is skipped. A journal that nobody wrote has no lines.
func (j *Journal) Read(each func(line []byte)) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, name := range []string{j.name + ".1", j.name} {
		data, err := j.last(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("cannot read what is recorded: %w", err)
		}
		for line := range bytes.Lines(data) {
			if line = bytes.TrimSpace(line); json.Valid(line) {
				each(line)
			}
		}
	}
	return nil
}
