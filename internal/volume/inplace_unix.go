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
	// maxInPlace is the size of the largest file that is written in place in one step, far larger than any that this program writes.
	maxInPlace = 8 << 20
	// inPlaceWait is how long to wait for another process that is writing or reading the same file.
	inPlaceWait = 2 * time.Second
)

// isMount reports whether something is mounted at a name directly within an open directory.
func isMount(at int, name string) bool {
	fd, err := openHere(at, name, lookFlags)
	if err == nil {
		done(fd)
	}
	return errors.Is(err, ErrMount)
}

// writeInPlace writes a file that cannot be replaced because it is a mount (rename(2): EBUSY). It first reserves the room that it
// needs, then writes the whole content with one call, and restores the old content if that fails. If the process is killed, the file
// has the old content or the new one, as long as both fit into a page of 4 kB; a larger file may be half written. ReadFile always
// sees one of the two. If the new content is shorter, other readers may see newlines after it for a moment.
func writeInPlace(at int, name string, data []byte) error {
	fd, err := openBeneath(at, name, unix.O_RDWR|fileFlags, 0)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close() // also releases the lock
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

// awaitWriter keeps writeInPlace from writing a file while it is open here. A file that is not a mount is replaced, so it needs no
// lock.
func awaitWriter(f *os.File) {
	if fd := int(f.Fd()); isMountRoot(fd) {
		share(fd, unix.LOCK_SH)
	}
}

// share locks a file that is written in place until it is closed. If another process keeps the lock too long, or the file system has
// no locks, it returns without the lock.
func share(fd, how int) {
	for begun := time.Now(); errors.Is(unix.Flock(fd, how|unix.LOCK_NB), unix.EWOULDBLOCK) && time.Since(begun) < inPlaceWait; {
		time.Sleep(lockPause)
	}
}

// overwrite writes a file from its beginning and truncates it to a size.
func overwrite(f *os.File, text []byte, size int) error {
	if _, err := f.WriteAt(text, 0); err != nil {
		return err
	}
	if err := f.Truncate(int64(size)); err != nil {
		return err
	}
	return f.Sync()
}

// mountError adds to an error of writing in place that the name is a mount, which is why it was written in place.
func mountError(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Errorf("%w and cannot be written: %w", ErrMount, err)
}
