//go:build unix

package volume

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"
)

// fileFlags: with O_NONBLOCK open(2) does not wait for the writer of a FIFO; with O_NOCTTY a terminal does not become ours.
const fileFlags = unix.O_NONBLOCK | unix.O_NOCTTY

// open opens a name. No element of the name may be a link.
func (d Dir) open(name string, flags int, perm fs.FileMode) (int, error) {
	full, err := d.full(name)
	if err != nil {
		return -1, err
	}
	for {
		at, err := d.base.open()
		if err != nil {
			return -1, err
		}
		fd, err := openBeneath(at, full, flags, uint32(perm.Perm()))
		runtime.KeepAlive(d.base)
		if errors.Is(err, unix.ENOENT) && d.base.renew() {
			continue
		}
		return fd, err
	}
}

// parent opens the directory that contains a name, and returns it with the name's last element. The caller passes at to done.
func (d Dir) parent(name string) (at int, last string, err error) {
	full, err := d.full(name)
	if err != nil {
		return -1, "", err
	}
	if full == "." {
		return -1, "", errLeaves // "." is not in any directory below the base
	}
	above, last := path.Split(full)
	at, err = Dir{d.base, "."}.open(cmp.Or(path.Clean(above), "."), dirFlags|unix.O_DIRECTORY, 0)
	return at, last, err
}

func done(fd int) { _ = unix.Close(fd) }

// inParent calls f with the directory that contains a name.
func (d Dir) inParent(op, name string, f func(at int, last string) error) error {
	at, last, err := d.parent(name)
	if err != nil {
		return d.failed(op, name, err)
	}
	defer done(at)
	return d.failed(op, name, f(at, last))
}

// file turns a descriptor of a regular file into an os.File.
func (d Dir) file(name string, fd int) (*os.File, error) {
	info, err := infoOf(name, fd)
	if err == nil && !info.Mode().IsRegular() {
		err = d.notRegular(name, info.Mode())
	}
	if err == nil {
		err = unix.SetNonblock(fd, false)
	}
	if err != nil {
		done(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), d.Path(name)), nil
}

// notFile returns the error for a name that cannot be opened as a file. If the reason is what kind of file it is, the error says so.
func (d Dir) notFile(op, name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return d.failed(op, name, err)
	}
	if info, serr := d.Lstat(name); serr == nil && !info.Mode().IsRegular() {
		return d.notRegular(name, info.Mode())
	}
	return d.failed(op, name, err)
}

// Open opens an existing regular file for reading. It does not block on a FIFO. Its errors wrap fs.ErrNotExist, fs.ErrPermission or
// ErrNotRegular.
func (d Dir) Open(name string) (*os.File, error) {
	fd, err := d.open(name, unix.O_RDONLY|fileFlags, 0)
	if err != nil {
		return nil, d.notFile("open", name, err)
	}
	return d.file(name, fd)
}

// Stat describes a file. It does not follow a link.
func (d Dir) Stat(name string) (*Info, error) {
	if full, err := d.full(name); err == nil && full == "." {
		// The base itself is looked at by its descriptor, which works even if this process may not enter it.
		d.base.renew()
		at, err := d.base.open()
		if err != nil {
			return nil, d.failed("stat", name, err)
		}
		info, err := infoOf(filepath.Base(d.base.path), at)
		runtime.KeepAlive(d.base)
		return info, d.failed("stat", name, err)
	}
	var info *Info
	err := d.inParent("stat", name, func(at int, last string) (err error) {
		info, err = infoAt(at, last)
		return err
	})
	return info, err
}

// Is reports whether a name stands for that open file.
func (d Dir) Is(name string, f *os.File) bool {
	a, err := d.Stat(name)
	if err != nil {
		return false
	}
	b, err := infoOf(name, int(f.Fd()))
	return err == nil && a.Same(b)
}

// ReadDir lists a directory, ordered by name.
func (d Dir) ReadDir(name string) ([]fs.DirEntry, error) {
	fd, err := d.open(name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, d.notDir("open", name, err)
	}
	f := os.NewFile(uintptr(fd), d.Path(name))
	defer f.Close()
	names, err := f.Readdirnames(-1)
	entries := make([]fs.DirEntry, 0, len(names))
	slices.Sort(names)
	for _, n := range names {
		info, serr := infoAt(fd, n)
		if errors.Is(serr, fs.ErrNotExist) {
			continue
		}
		if serr != nil {
			return entries, d.failed("stat", path.Join(name, n), serr)
		}
		entries = append(entries, fs.FileInfoToDirEntry(info))
	}
	return entries, err
}

// notDir returns the error for a name that cannot be opened as a directory. If the reason is what kind of file it is, the error says
// so.
func (d Dir) notDir(op, name string, err error) error {
	if errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		if derr := d.IsDir(name); derr != nil && !errors.Is(derr, fs.ErrNotExist) {
			return derr
		}
	}
	return d.failed(op, name, err)
}

// Mkdir creates a directory. The umask takes bits from its mode.
func (d Dir) Mkdir(name string, perm fs.FileMode) error {
	return d.inParent("mkdir", name, func(at int, last string) error { return mkdir(at, last, perm) })
}

func mkdir(at int, name string, perm fs.FileMode) error {
	if err := unix.Mkdirat(at, name, uint32(perm.Perm())); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return nil
	}
	fd, err := openElement(at, name)
	if err != nil {
		return err
	}
	defer done(fd)
	return give(fd, at)
}

// MkdirAll creates a directory and the missing directories above it, the base included. What exists there must be a directory.
func (d Dir) MkdirAll(name string, perm fs.FileMode) error {
	full, err := d.full(name)
	if err != nil {
		return d.failed("mkdir", name, err)
	}
	from := Dir{d.base, "."}
	if fd, err := from.open(full, dirFlags|unix.O_DIRECTORY, 0); err == nil {
		done(fd)
		return nil
	}
	// If the base is created only because something is created below it, only its owner may enter it.
	basePerm := fs.FileMode(0o700)
	if full == "." {
		basePerm = perm
	}
	if err := d.base.create(basePerm); err != nil {
		return d.failed("mkdir", name, err)
	}
	if full == "." {
		return nil
	}
	if above := path.Dir(full); above != "." {
		if err := from.MkdirAll(above, perm); err != nil {
			return err
		}
	}
	if err := from.Mkdir(full, perm); err == nil || !errors.Is(err, fs.ErrExist) {
		return err
	}
	return from.IsDir(full)
}

// RenameTo moves a file or directory into another directory of the same file system. A mount can be neither moved nor replaced:
// ErrMount.
func (d Dir) RenameTo(from string, other Dir, to string) error {
	return d.inParent("rename", from, func(at int, last string) error {
		return other.inParent("rename", to, func(toAt int, toLast string) error {
			err := unix.Renameat(at, last, toAt, toLast)
			if errors.Is(err, unix.EBUSY) && (isMount(at, last) || isMount(toAt, toLast)) {
				return ErrMount
			}
			return err
		})
	})
}

// IsMount reports whether a name is a mount: a file or directory from elsewhere.
func (d Dir) IsMount(name string) bool {
	at, last, err := d.parent(name)
	if err != nil {
		return false
	}
	defer done(at)
	return isMount(at, last)
}

// Remove removes a file, a link or an empty directory.
func (d Dir) Remove(name string) error {
	return d.inParent("remove", name, func(at int, last string) error {
		err := unix.Unlinkat(at, last, 0)
		if errors.Is(err, unix.EISDIR) || errors.Is(err, unix.EPERM) { // darwin returns EPERM for a directory
			if derr := unix.Unlinkat(at, last, unix.AT_REMOVEDIR); !errors.Is(derr, unix.ENOTDIR) {
				return derr
			}
		}
		return err
	})
}

// Symlink creates a symbolic link.
func (d Dir) Symlink(target, name string) error {
	return d.inParent("symlink", name, func(at int, last string) error { return unix.Symlinkat(target, at, last) })
}

// Readlink returns the target of a link.
func (d Dir) Readlink(name string) (target string, err error) {
	err = d.inParent("readlink", name, func(at int, last string) (err error) {
		target, err = readlinkat(at, last)
		return err
	})
	return target, err
}

// Chmod changes the mode of a file or directory.
func (d Dir) Chmod(name string, perm fs.FileMode) error {
	fd, err := d.open(name, unix.O_RDONLY|fileFlags, 0)
	if err != nil {
		return d.notFile("chmod", name, err)
	}
	defer done(fd)
	return d.failed("chmod", name, unix.Fchmod(fd, uint32(perm.Perm())))
}

// Chown changes the owner of a file or directory.
func (d Dir) Chown(name string, uid, gid int) error {
	fd, err := d.open(name, unix.O_RDONLY|fileFlags, 0)
	if err != nil {
		return d.failed("chown", name, err)
	}
	defer done(fd)
	return d.failed("chown", name, unix.Fchown(fd, uid, gid))
}

// Writable returns nil if this process may create files in a directory, and otherwise the reason (access(2)).
func (d Dir) Writable(name string) error {
	fd, err := d.open(name, dirFlags|unix.O_DIRECTORY, 0)
	if err != nil {
		return d.notDir("open", name, err)
	}
	defer done(fd)
	return d.failed("write", name, unix.Faccessat(fd, ".", unix.W_OK|unix.X_OK, 0))
}

// Accessible reports whether this process may read and write a file or directory (access(2)). For a link it returns false.
func (d Dir) Accessible(name string) bool {
	info, err := d.Stat(name)
	if err != nil || info.Mode()&fs.ModeSymlink != 0 {
		return false
	}
	if info.IsDir() {
		return d.Writable(name) == nil
	}
	return d.inParent("access", name, func(at int, last string) error { return unix.Faccessat(at, last, unix.R_OK|unix.W_OK, 0) }) == nil
}

// Descriptor opens a directory and calls f with its descriptor, which is valid until f returns. It can be used as /proc/self/fd/N or
// for fstatfs(2).
func (d Dir) Descriptor(name string, f func(fd int) error) error {
	fd, err := d.open(name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return d.notDir("open", name, err)
	}
	defer done(fd)
	return d.failed("use", name, f(fd))
}
