// Package journal keeps records, as one JSON object per line, in a file of limited size.
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

// Limit is the size in bytes at which a journal is renamed to NAME.1, which replaces the earlier NAME.1.
const Limit = 1 << 20

// maxRecord is the longest record, in bytes. It is small enough that a few long records do not push out all others.
const maxRecord = Limit / 8

// Journal is one such file. Its methods are safe for concurrent use within a process. Another process may append to the same file;
// if it also rotates the file at the same moment, records may be lost.
type Journal struct {
	dir  volume.Dir
	name string
	mu   sync.Mutex
}

// New returns the journal in a file of a directory. It opens nothing: the first Append makes the directory and the file.
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

// last reads a file, or only its end if another program made it larger than Append ever does.
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

// Read calls each with every line that is valid JSON, the oldest first. It skips other lines, such as half a line from when the disk
// was full. If there is no file, there are no lines.
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
