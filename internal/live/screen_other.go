//go:build !unix

package live

import (
	"errors"
	"os"
)

// Screen is a terminal that shows only the table.
type Screen struct {
	keys    chan key
	resized chan os.Signal
}

// Open fails on this system, which has no table; `hermes up` logs lines instead.
func Open(_, _ *os.File) (*Screen, error) { return nil, errors.ErrUnsupported }

// Close does nothing.
func (s *Screen) Close() {}

func (s *Screen) size() (width, height int) { return 80, 24 }

func (s *Screen) show([]string) {}
