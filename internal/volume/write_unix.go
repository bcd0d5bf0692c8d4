//go:build unix

package volume

import (
	"cmp"
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Append opens a regular file for reading and for writing at its end. If it is missing, Append creates it with mode perm.
func (d Dir) Append(name string, perm fs.FileMode) (*os.File, error) {
	return d.openOrMake(name, unix.O_RDWR|unix.O_APPEND|fileFlags, perm)
}

// openOrMake opens a regular file or creates it. A file that it creates gets the owner of the directory.
func (d Dir) openOrMake(name string, flags int, perm fs.FileMode) (*os.File, error) {
	at, last, err := d.parent(name)
	if err != nil {
		return nil, d.failed("open", name, err)
	}
	defer done(at)
	for {
		fd, err := openBeneath(at, last, flags, 0)
		if errors.Is(err, fs.ErrNotExist) {
			if fd, err = makeFile(at, last, flags, perm); errors.Is(err, fs.ErrExist) {
				continue // another process created it first
			}
		}
		if err != nil {
			return nil, d.notFile("open", name, err)
		}
		return d.file(name, fd)
	}
}

// makeFile creates a new file.
func makeFile(at int, name string, flags int, perm fs.FileMode) (int, error) {
	fd, err := openBeneath(at, name, flags|unix.O_CREAT|unix.O_EXCL, uint32(perm.Perm()))
	if err != nil {
		return -1, err
	}
	if err := give(fd, at); err != nil {
		done(fd)
		return -1, err
	}
	return fd, nil
}

// Create creates a new file and opens it for writing. The umask takes bits from its mode.
func (d Dir) Create(name string, perm fs.FileMode) (*os.File, error) {
	var f *os.File
	err := d.inParent("create", name, func(at int, last string) error {
		fd, err := makeFile(at, last, unix.O_WRONLY, perm)
		if err == nil {
			f = os.NewFile(uintptr(fd), d.Path(name))
		}
		return err
	})
	return f, err
}

// give gives something that root has just created the owner of the directory in which it lies. Otherwise a command that root runs
// could lock the home's user out of the home.
func give(fd, dir int) error {
	if os.Geteuid() != 0 {
		return nil
	}
	var st unix.Stat_t
	if err := unix.Fstat(dir, &st); err != nil || st.Uid == 0 {
		return err
	}
	return chownFD(fd, int(st.Uid), int(st.Gid))
}

// WriteFile atomically replaces a name with a regular file that has this content: it writes a temporary file in the same directory,
// calls fsync, and renames it. The new file's mode is perm without the bits of the umask, whatever the old mode was. If the name is
// a symbolic link, the link is replaced and not followed.
//
// A file that is a mount (docker run -v file:file) cannot be replaced. It is written in place, as safely as possible, and keeps its
// mode. If that fails, the error is ErrMount too.
func (d Dir) WriteFile(name string, data []byte, perm fs.FileMode) error {
	return d.write(name, data, perm, (*os.File).Sync)
}

// WriteTransient is WriteFile for a file that means nothing any more when the machine goes down, such as one that names a process. It
// does not wait for the disk: after a power failure the file may be empty.
func (d Dir) WriteTransient(name string, data []byte, perm fs.FileMode) error {
	return d.write(name, data, perm, func(*os.File) error { return nil })
}

func (d Dir) write(name string, data []byte, perm fs.FileMode, sync func(*os.File) error) error {
	if info, err := d.Lstat(name); err == nil && info.IsDir() {
		return d.notRegular(name, info.Mode())
	}
	return d.inParent("write", name, func(at int, last string) error { return replace(at, last, data, perm, sync) })
}

func replace(at int, name string, data []byte, perm fs.FileMode, sync func(*os.File) error) error {
	var f *os.File
	tmp, err := unused("."+name, func(tmp string) error {
		fd, err := makeFile(at, tmp, unix.O_WRONLY, perm)
		if err == nil {
			f = os.NewFile(uintptr(fd), tmp)
		}
		return err
	})
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = sync(f)
	}
	err = cmp.Or(err, f.Close())
	mount := false
	if err == nil {
		err = unix.Renameat(at, tmp, at, name)
		mount = errors.Is(err, unix.EBUSY) && isMount(at, name)
	}
	if mount {
		// The temporary file with the new content stays until the file in place is written.
		if err = writeInPlace(at, name, data); err != nil {
			err = mountError(err)
		}
	}
	if err != nil || mount {
		_ = unix.Unlinkat(at, tmp, 0)
	}
	return err
}
