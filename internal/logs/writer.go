package logs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"hermes/internal/tai64n"
	"hermes/internal/volume"
)

// The same limits as in log/run of the slots (contract "On disk").
const (
	keepArchives = 10
	archiveSize  = 1_000_000
)

// Writer writes a log directory as s6-log does with n10 s1000000 pUTC T: with the same names, stamps and sizes. Lines that it cannot
// write, because the disk is full, are left out and counted. When there is room again, the log goes on. A Writer is not safe for
// concurrent use.
type Writer struct {
	dir  volume.Dir
	f    *os.File
	size int64
	torn bool // the file ends in the middle of a line
	lost int
	buf  []byte
}

// NewWriter returns the writer of a directory, which the first line creates.
func NewWriter(dir volume.Dir) *Writer { return &Writer{dir: dir} }

// Line writes one line; text has no newline. If several lines in a row are lost, only the first call returns the error.
func (w *Writer) Line(text []byte) error {
	w.buf = w.buf[:0]
	if w.lost > 0 {
		w.stamp(fmt.Appendf(nil, "%d lines could not be written and are lost", w.lost))
	}
	w.stamp(text)
	err := w.write()
	if err == nil {
		w.lost = 0
		return nil
	}
	if w.lost++; w.lost > 1 {
		return nil
	}
	return fmt.Errorf("cannot write the log in %s: %w", w.dir.Path("."), err)
}

// Write writes text as one or more lines, so that a Writer is an io.Writer. The end of text also ends the line. Write never fails: a
// line that cannot be written is lost and counted.
func (w *Writer) Write(text []byte) (int, error) {
	for line := range bytes.Lines(text) {
		_ = w.Line(bytes.TrimSuffix(line, []byte{'\n'}))
	}
	return len(text), nil
}

func (w *Writer) stamp(text []byte) {
	w.buf = append(time.Now().UTC().AppendFormat(w.buf, stampLayout), stampGap+stampZone...)
	w.buf = append(append(w.buf, text...), '\n')
}

func (w *Writer) write() error {
	if err := w.open(); err != nil {
		return err
	}
	if w.size > 0 && w.size+int64(len(w.buf)) > archiveSize {
		if err := w.rotate(); err != nil {
			return err
		}
	}
	if w.torn {
		w.buf = append([]byte{'\n'}, w.buf...)
	}
	n, err := w.f.Write(w.buf)
	w.size += int64(n)
	w.torn = err != nil && (n > 0 && w.buf[n-1] != '\n' || n == 0 && w.torn)
	return err
}

// open creates the directory and opens current, which must be a regular file.
func (w *Writer) open() error {
	if w.f != nil {
		return nil
	}
	if err := w.dir.MkdirAll(".", 0o750); err != nil {
		return err
	}
	f, err := w.dir.Append(currentName, 0o640)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return err
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, info.Size()-1); err == nil && last[0] != '\n' {
		w.torn = true
	}
	w.f, w.size = f, info.Size()
	return nil
}

// rotate renames current to its archive's name and removes archives beyond keepArchives. If the rename fails, current grows further.
func (w *Writer) rotate() error {
	if err := w.dir.Rename(currentName, tai64n.Label(time.Now())+".s"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil //nolint:nilerr // the next line tries again
	}
	w.Close()
	if names, err := archives(w.dir); err == nil {
		for len(names) > keepArchives {
			_ = w.dir.Remove(names[0]) // the next rotation tries again
			names = names[1:]
		}
	}
	return w.open()
}

// Close closes the file. The next call of Line opens it again.
func (w *Writer) Close() {
	if w.f != nil {
		w.f.Close()
	}
	w.f, w.size, w.torn = nil, 0, false
}
