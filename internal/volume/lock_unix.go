//go:build unix

package volume

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

func (d Dir) openLock(name string) (*os.File, error) {
	return d.openOrMake(name, unix.O_RDWR|fileFlags, 0o600)
}

func tryLock(f *os.File) (bool, error) {
	_, err := ignoringEINTR(func() (int, error) { return 0, unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) })
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}
