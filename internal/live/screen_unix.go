//go:build unix

package live

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Screen is a terminal that shows only the table.
type Screen struct {
	in, out *os.File
	before  *term.State
	keys    chan key
	resized chan os.Signal
	wake    *os.File // closing it ends the reading of keys
	reading sync.WaitGroup
}

// The sequences that switch to the alternate screen without cursor and line wrapping, and back (xterm's private modes).
const (
	enter = "\x1b[?1049h\x1b[?25l\x1b[?7l"
	leave = "\x1b[?7h\x1b[?25h\x1b[?1049l"
)

// typeAhead is how many pressed keys are kept until the table reads them.
const typeAhead = 64

// Open takes over a terminal. Close must be called, or the terminal stays in this mode.
func Open(in, out *os.File) (*Screen, error) {
	if !term.IsTerminal(int(in.Fd())) || !term.IsTerminal(int(out.Fd())) {
		return nil, errors.New("no terminal")
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("cannot read keys: %w", err)
	}
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		r.Close()
		w.Close()
		return nil, fmt.Errorf("cannot read keys: %w", err)
	}
	s := &Screen{in: in, out: out, before: before, keys: make(chan key, typeAhead), resized: make(chan os.Signal, 1), wake: w}
	signal.Notify(s.resized, unix.SIGWINCH)
	_, _ = out.WriteString(enter) // if the terminal is gone, reading the keys fails and ends the table
	s.reading.Go(func() { s.read(r) })
	return s, nil
}

// Close restores the terminal.
func (s *Screen) Close() {
	signal.Stop(s.resized)
	s.wake.Close()
	s.reading.Wait()
	_, _ = s.out.WriteString(leave)
	_ = term.Restore(int(s.in.Fd()), s.before)
}

// read passes keys on until the screen is closed or the terminal is gone.
func (s *Screen) read(end *os.File) {
	defer end.Close()
	defer close(s.keys)
	buf := make([]byte, 256)
	for {
		fds := []unix.PollFd{{Fd: int32(s.in.Fd()), Events: unix.POLLIN}, {Fd: int32(end.Fd()), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); errors.Is(err, unix.EINTR) {
			continue
		} else if err != nil || fds[1].Revents != 0 {
			return
		}
		n, err := unix.Read(int(s.in.Fd()), buf)
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
			continue
		}
		if err != nil || n == 0 {
			return
		}
		for _, k := range decode(buf[:n]) {
			select {
			case s.keys <- k:
			default: // too many keys are waiting: drop this one
			}
		}
	}
}

// size returns the width and height of the terminal in characters.
func (s *Screen) size() (width, height int) {
	width, height, err := term.GetSize(int(s.out.Fd()))
	if err != nil || width < 1 || height < 1 {
		return 80, 24
	}
	return width, height
}

// show replaces the content of the screen.
func (s *Screen) show(lines []string) {
	var b strings.Builder
	b.WriteString("\x1b[H")
	for i, l := range lines {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(l + "\x1b[K")
	}
	b.WriteString("\x1b[J")
	_, _ = s.out.WriteString(b.String()) // if the terminal is gone, reading the keys fails and ends the table
}
