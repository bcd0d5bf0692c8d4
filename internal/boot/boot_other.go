//go:build !linux

package boot

import (
	"errors"
	"io"
)

// Setup fails, because the image is a Linux image.
func Setup(func(string) string, io.Writer) error {
	return errors.New("this works only inside a Linux container")
}
