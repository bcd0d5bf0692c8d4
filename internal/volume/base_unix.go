//go:build unix

package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// base is a directory that is opened when it is first used, and stays open.
type base struct {
	path string
	mu   sync.Mutex
	file *os.File
}

// open returns the descriptor, which stays open as long as the base is used.
func (b *base) open() (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.file != nil {
		return int(b.file.Fd()), nil
	}
	fd, err := openBase(b.path, 0)
	if err != nil {
		return -1, err
	}
	b.file = os.NewFile(uintptr(fd), b.path)
	return fd, nil
}

// renew closes a base whose directory was removed, so that the next call opens what is at its path now. It reports whether it did
// so.
func (b *base) renew() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.file == nil {
		return false
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(b.file.Fd()), &st); err != nil || st.Nlink > 0 {
		return false
	}
	b.file.Close()
	b.file = nil
	return true
}

// create creates the base's directory and those above it that are missing.
func (b *base) create(perm fs.FileMode) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	fd, err := openBase(b.path, perm)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// openBase opens the directory at an absolute path. If perm is not 0, it creates missing directories with that mode; otherwise they
// are an error. As root it walks the path itself, element by element. It follows a link only in a directory that belongs to root and
// that nobody else may write, because only there nobody but root can have put the link. Another user who owns a directory of the
// path can then choose which of the directories below it is meant, but cannot lead root anywhere else. For any other user the kernel
// walks the path with that user's rights, as it does for all of that user's programs.
func openBase(path string, perm fs.FileMode) (int, error) {
	fd, err := walkBase(path, perm, os.Geteuid() == 0)
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return fd, nil
}

// linkError reports a link that root does not follow.
type linkError struct{ path string }

func (e *linkError) Error() string {
	return fmt.Sprintf("%s is a symbolic link that another user can change, and root follows none such: name the directory itself", e.path)
}

// walkBase does what openBase says. If careful is false, it follows every link.
func walkBase(path string, perm fs.FileMode, careful bool) (int, error) {
	if !careful && perm == 0 {
		return ignoringEINTR(func() (int, error) { return unix.Open(path, dirFlags|unix.O_DIRECTORY|unix.O_CLOEXEC, 0) })
	}
	at, walked, err := openStart(path)
	if err != nil {
		return -1, err
	}
	todo := strings.Split(path, "/")
	for links := 0; len(todo) > 0; {
		element := todo[0]
		todo = todo[1:]
		if element == "" || element == "." {
			continue
		}
		next, err := openElement(at, element)
		if errors.Is(err, unix.ENOENT) && perm != 0 {
			if err = unix.Mkdirat(at, element, uint32(perm.Perm())); err == nil || errors.Is(err, unix.EEXIST) {
				next, err = openElement(at, element)
			}
			if err == nil {
				err = give(next, at)
			}
		}
		if err == nil {
			unix.Close(at)
			at, walked = next, filepath.Join(walked, element)
			continue
		}
		target, lerr := readlinkat(at, element)
		if lerr != nil { // it is not a link
			unix.Close(at)
			return -1, err
		}
		if careful && !roots(at) {
			unix.Close(at)
			return -1, &linkError{filepath.Join(walked, element)}
		}
		if links++; links > maxLinks {
			unix.Close(at)
			return -1, unix.ELOOP
		}
		todo = append(strings.Split(target, "/"), todo...)
		if filepath.IsAbs(target) {
			unix.Close(at)
			if at, walked, err = openStart(target); err != nil {
				return -1, err
			}
		}
	}
	return at, nil
}

// openStart opens the directory in which a path begins: the root directory or the working directory.
func openStart(path string) (fd int, start string, err error) {
	if start = "."; filepath.IsAbs(path) {
		start = "/"
	}
	fd, err = ignoringEINTR(func() (int, error) { return unix.Open(start, dirFlags|unix.O_DIRECTORY|unix.O_CLOEXEC, 0) })
	return fd, start, err
}

// openElement opens a directory directly within another. If it is a link, it fails.
func openElement(at int, name string) (int, error) {
	return ignoringEINTR(func() (int, error) {
		return unix.Openat(at, name, dirFlags|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	})
}

// roots reports whether only root may put something into an open directory.
func roots(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Uid == 0 && st.Mode&0o022 == 0
}

func ignoringEINTR(f func() (int, error)) (int, error) {
	for {
		n, err := f()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

func readlinkat(at int, name string) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := ignoringEINTR(func() (int, error) { return unix.Readlinkat(at, name, buf) })
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}

// Owner returns to whom a path belongs: the owner of the first directory or link on the way that is not root's, or root if all are
// root's. If a part of the path does not exist and everything before it is root's, it returns root too.
func Owner(path string) (uid, gid int, err error) {
	at, _, err := openStart(path)
	if err != nil {
		return 0, 0, err
	}
	defer func() { unix.Close(at) }()
	todo := strings.Split(filepath.Clean(path), "/")
	for links := 0; len(todo) > 0 && links <= maxLinks; {
		element := todo[0]
		todo = todo[1:]
		if element == "" || element == "." {
			continue
		}
		var st unix.Stat_t
		if err := unix.Fstatat(at, element, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			if errors.Is(err, unix.ENOENT) {
				return 0, 0, nil
			}
			return 0, 0, &fs.PathError{Op: "stat", Path: path, Err: err}
		}
		if st.Uid != 0 {
			return int(st.Uid), int(st.Gid), nil
		}
		if st.Mode&unix.S_IFMT == unix.S_IFLNK {
			target, err := readlinkat(at, element)
			if err != nil {
				return 0, 0, &fs.PathError{Op: "readlink", Path: path, Err: err}
			}
			links++
			todo = append(strings.Split(target, "/"), todo...)
			if filepath.IsAbs(target) {
				unix.Close(at)
				if at, _, err = openStart(target); err != nil {
					return 0, 0, err
				}
			}
			continue
		}
		next, err := openElement(at, element)
		if err != nil {
			if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
				return 0, 0, nil
			}
			return 0, 0, &fs.PathError{Op: "open", Path: path, Err: err}
		}
		unix.Close(at)
		at = next
	}
	return 0, 0, nil
}
