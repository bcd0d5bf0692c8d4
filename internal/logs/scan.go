package logs

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

const (
	// maxLine is the length of the longest line that is passed on. The rest of a longer line is left out. s6-log itself splits lines
	// at 8 kB.
	maxLine = 64 << 10
	// maxFile limits how much of a file is read, counted from its end. s6-log closes a file at 1 MB.
	maxFile = 64 << 20
	// block is how much is read at a time.
	block = 16 << 10
)

// scanner reads lines. At the end of the file it keeps the beginning of an unfinished line, and goes on when there is more.
type scanner struct {
	r    *bufio.Reader
	part []byte
	open bool  // an unfinished line has begun
	read int64 // bytes read so far
}

func newScanner(r io.Reader) *scanner { return &scanner{r: bufio.NewReaderSize(r, block)} }

// next returns the next complete line without its newline. ok is false if there is none yet.
func (s *scanner) next() (line string, ok bool, err error) {
	for {
		chunk, err := s.r.ReadSlice('\n')
		s.read += int64(len(chunk))
		s.keep(chunk)
		switch {
		case err == nil:
			line, _ := s.flush()
			return line, true, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			return "", false, nil
		default:
			return "", false, err
		}
	}
}

func (s *scanner) keep(chunk []byte) {
	s.open = s.open || len(chunk) > 0
	chunk = bytes.TrimSuffix(chunk, []byte("\n"))
	s.part = append(s.part, chunk[:min(len(chunk), maxLine-len(s.part))]...)
}

// flush returns the unfinished line, if there is one.
func (s *scanner) flush() (line string, ok bool) {
	line, ok = string(s.part), s.open
	s.part, s.open = s.part[:0], false
	return line, ok
}

// lastLines returns where the last n lines of f between from and size begin, and how many there are, at most n. It reads backwards
// and no further than necessary.
func lastLines(f io.ReaderAt, from, size int64, n int) (start int64, lines int, err error) {
	if n <= 0 || size <= from {
		return max(from, size), 0, nil
	}
	buf := make([]byte, block)
	for end := size; end > from; {
		begin := max(from, end-block)
		part := buf[:end-begin]
		if _, err := f.ReadAt(part, begin); err != nil && !errors.Is(err, io.EOF) {
			return 0, 0, err
		}
		for len(part) > 0 {
			i := bytes.LastIndexByte(part, '\n')
			if i < 0 {
				break
			}
			part = part[:i]
			if at := begin + int64(i) + 1; at < size { // this newline does not end the last line
				if lines++; lines == n {
					return at, n, nil
				}
			}
		}
		end = begin
	}
	return from, lines + 1, nil
}
