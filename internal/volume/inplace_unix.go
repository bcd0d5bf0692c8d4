//go:build unix

package volume

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// maxInPlace is how large a file may be that is written in place in one step: far more than any that this program writes.
	maxInPlace = 8 << 20
	// inPlaceWait is how long another process may take to write or read the same file.
	inPlaceWait = 2 * time.Second
)

// isMount reports whether something is mounted at a name that lies directly in an open directory.
func isMount(at int, name string) bool {
	fd, err := openHere(at, name, lookFlags)
	if err == nil {
		done(fd)
	}
	return errors.Is(err, ErrMount)
}

// writeInPlace writes a file that cannot be replaced because it is a mount (rename(2): EBUSY). The room that it needs is
// reserved first, all of the content is written by one call, and what was there is put back if that fails. A process that is
// killed leaves the content of before or the new one, as long as both fit into a page of 4 kB; a larger one may be
// half written then. ReadFile sees one of the two; where the new content is shorter, other readers may see line ends behind
// it for a moment.
func writeInPlace(at int, name string, data []byte) error {
	fd, err := openBeneath(at, name, unix.O_RDWR|fileFlags, 0)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close() // and with it the lock
	info, err := infoOf(name, fd)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return ErrNotRegular
	}
	share(fd, unix.LOCK_EX)
	if info, err = infoOf(name, fd); err != nil {
		return err
	}
	if info.Size() > maxInPlace {
		return fmt.Errorf("%w: over %d bytes", ErrTooLarge, maxInPlace)
	}
	before, err := io.ReadAll(io.NewSectionReader(f, 0, info.Size()))
	if err != nil {
		return err
	}
	if err := reserve(fd, int64(len(data))); err != nil {
		return err
	}
	text := append(make([]byte, 0, max(len(data), len(before))), data...)
	for len(text) < len(before) {
		text = append(text, '\n')
	}
	if err := overwrite(f, text, len(data)); err != nil {
		return errors.Join(err, overwrite(f, before, len(before)))
	}
	return nil
}

// awaitWriter keeps writeInPlace from writing a file as long as it is open here. Any other file is not written, but replaced.
func awaitWriter(f *os.File) {
	if fd := int(f.Fd()); isMountRoot(fd) {
		share(fd, unix.LOCK_SH)
	}
}

// share locks a file that is written in place until it is closed. Where somebody else keeps the lock, or the file system has
// none, it goes on without.
func share(fd, how int) {
	for begun := time.Now(); errors.Is(unix.Flock(fd, how|unix.LOCK_NB), unix.EWOULDBLOCK) && time.Since(begun) < inPlaceWait; {
		time.Sleep(lockPause)
	}
}

// overwrite writes a file from its beginning and cuts it to a size.
func overwrite(f *os.File, text []byte, size int) error {
	if _, err := f.WriteAt(text, 0); err != nil {
		return err
	}
	if err := f.Truncate(int64(size)); err != nil {
		return err
	}
	return f.Sync()
}

// mountError says that a name is a mount, which is why it could not be written, and what kept it from being written in place.
func mountError(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Errorf("%w and cannot be written: %w", ErrMount, err)
}
