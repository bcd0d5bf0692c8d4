package volume

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/windows"
)

// base is a directory that is opened when it is first used, and stays open.
type base struct {
	path string
	mu   sync.Mutex
	root *os.Root
}

func (b *base) open() (*os.Root, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.root != nil {
		return b.root, nil
	}
	r, err := os.OpenRoot(b.path)
	if err != nil {
		return nil, err
	}
	runtime.AddCleanup(b, func(r *os.Root) { r.Close() }, r)
	b.root = r
	return r, nil
}

func (b *base) create(perm fs.FileMode) error { return os.MkdirAll(b.path, perm) }

// with calls f with the open base and a name relative to it. No element of the name is a link.
func (d Dir) with(op, name string, f func(r *os.Root, full string) error) error {
	full, err := d.full(name)
	if err != nil {
		return d.failed(op, name, err)
	}
	r, err := d.base.open()
	if err != nil {
		return d.failed(op, name, err)
	}
	for above := path.Dir(full); above != "."; above = path.Dir(above) {
		info, err := r.Lstat(above)
		if err != nil {
			return d.failed(op, name, err)
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			return d.failed(op, name, errors.New(above+" is a symbolic link"))
		}
	}
	err = f(r, full)
	if errors.Is(err, ErrNotRegular) {
		return err
	}
	return d.failed(op, name, err)
}

// Info describes a file.
type Info struct{ fs.FileInfo }

// Owner returns zeros, because Windows has no such ids.
func (i *Info) Owner() (uid, gid int) { return 0, 0 }

// Links returns 1, because the number of the file's names is not looked up.
func (i *Info) Links() uint64 { return 1 }

// Same reports whether both describe the same file.
func (i *Info) Same(other *Info) bool { return os.SameFile(i.FileInfo, other.FileInfo) }

// Owner fails, because Windows has no such ids.
func Owner(string) (uid, gid int, err error) { return 0, 0, errors.ErrUnsupported }

func (d Dir) regular(name string, r *os.Root, full string) error {
	info, err := r.Lstat(full)
	if err == nil && !info.Mode().IsRegular() {
		err = d.notRegular(name, info.Mode())
	}
	return err
}

// Open opens an existing regular file for reading. Errors wrap fs.ErrNotExist, fs.ErrPermission or ErrNotRegular.
func (d Dir) Open(name string) (f *os.File, err error) {
	err = d.with("open", name, func(r *os.Root, full string) (err error) {
		if err := d.regular(name, r, full); err != nil {
			return err
		}
		f, err = r.Open(full)
		return err
	})
	return f, err
}

func (d Dir) openOrMake(name string, flags int, perm fs.FileMode) (f *os.File, err error) {
	err = d.with("open", name, func(r *os.Root, full string) (err error) {
		if err := d.regular(name, r, full); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		f, err = r.OpenFile(full, flags|os.O_CREATE, perm)
		return err
	})
	return f, err
}

// Append opens a regular file for reading and for writing at its end. If it is missing, Append creates it with mode perm.
func (d Dir) Append(name string, perm fs.FileMode) (*os.File, error) {
	return d.openOrMake(name, os.O_RDWR|os.O_APPEND, perm)
}

// Create creates a new file and opens it for writing.
func (d Dir) Create(name string, perm fs.FileMode) (f *os.File, err error) {
	err = d.with("create", name, func(r *os.Root, full string) (err error) {
		f, err = r.OpenFile(full, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
		return err
	})
	return f, err
}

// WriteFile replaces a name with a regular file that has this content. It writes a temporary file in the same directory and renames
// it, which replaces the old file.
func (d Dir) WriteFile(name string, data []byte, perm fs.FileMode) error {
	if info, err := d.Lstat(name); err == nil && info.IsDir() {
		return d.notRegular(name, info.Mode())
	}
	return d.with("write", name, func(r *os.Root, full string) error {
		return replaceIn(r, full, data, perm, func(err error) bool {
			return errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, fs.ErrPermission)
		})
	})
}

// WriteTransient is WriteFile for a file that means nothing any more when the machine goes down, such as one that names a process.
func (d Dir) WriteTransient(name string, data []byte, perm fs.FileMode) error {
	return d.WriteFile(name, data, perm)
}

// Stat describes a file. It does not follow a link.
func (d Dir) Stat(name string) (info *Info, err error) {
	err = d.with("stat", name, func(r *os.Root, full string) error {
		i, err := r.Lstat(full)
		info = &Info{i}
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
	b, err := f.Stat()
	return err == nil && os.SameFile(a.FileInfo, b)
}

// ReadDir lists a directory, ordered by name.
func (d Dir) ReadDir(name string) (entries []fs.DirEntry, err error) {
	if err := d.IsDir(name); err != nil {
		return nil, err
	}
	err = d.with("open", name, func(r *os.Root, full string) error {
		f, err := r.Open(full)
		if err != nil {
			return err
		}
		defer f.Close()
		entries, err = f.ReadDir(-1)
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
		return err
	})
	return entries, err
}

// Mkdir creates a directory.
func (d Dir) Mkdir(name string, perm fs.FileMode) error {
	return d.with("mkdir", name, func(r *os.Root, full string) error { return r.Mkdir(full, perm) })
}

// MkdirAll creates a directory and the missing directories above it, the base included.
func (d Dir) MkdirAll(name string, perm fs.FileMode) error {
	if err := d.base.create(perm); err != nil {
		return d.failed("mkdir", name, err)
	}
	return d.with("mkdir", name, func(r *os.Root, full string) error { return r.MkdirAll(full, perm) })
}

// RenameTo moves a file or directory into another directory. Both must have the same base.
func (d Dir) RenameTo(from string, other Dir, to string) error {
	if other.base != d.base {
		return d.failed("rename", from, errors.ErrUnsupported)
	}
	return d.with("rename", from, func(r *os.Root, full string) error {
		return other.with("rename", to, func(_ *os.Root, toFull string) error { return r.Rename(full, toFull) })
	})
}

// Remove removes a file, a link or an empty directory.
func (d Dir) Remove(name string) error {
	return d.with("remove", name, func(r *os.Root, full string) error { return r.Remove(full) })
}

// RemoveAll removes a name and everything below it. It is no error if the name does not exist.
func (d Dir) RemoveAll(name string) error {
	err := d.with("remove", name, func(r *os.Root, full string) error { return r.RemoveAll(full) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Symlink creates a symbolic link.
func (d Dir) Symlink(target, name string) error {
	return d.with("symlink", name, func(r *os.Root, full string) error { return r.Symlink(filepath.FromSlash(target), full) })
}

// Readlink returns the target of a link.
func (d Dir) Readlink(name string) (target string, err error) {
	err = d.with("readlink", name, func(r *os.Root, full string) (err error) {
		target, err = r.Readlink(full)
		return err
	})
	return target, err
}

// Chmod changes the mode of a file or directory.
func (d Dir) Chmod(name string, perm fs.FileMode) error {
	return d.with("chmod", name, func(r *os.Root, full string) error { return r.Chmod(full, perm) })
}

// awaitWriter does nothing, because on Windows every write replaces the file.
func awaitWriter(*os.File) {}

// IsMount returns false, because on Windows no file is a mount.
func (d Dir) IsMount(string) bool { return false }

// Writable returns nil, because Windows tells only when something is written.
func (d Dir) Writable(string) error { return nil }

func (d Dir) openLock(name string) (*os.File, error) {
	return d.openOrMake(name, os.O_RDWR, 0o600)
}

// tryLock locks the first byte, so that nobody else can lock it, not even within this process (LockFileEx).
func tryLock(f *os.File) (bool, error) {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}
