//go:build unix

package volume

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// maxOpen is how many directories are open at a time while a tree is removed. Trees may be deeper than that.
const maxOpen = 64

// RemoveAll removes a name and everything below it. It follows no link and goes into no other mount: what is
// mounted there stays, and the error wraps ErrMount. A name that is not there is no error.
func (d Dir) RemoveAll(name string) error {
	at, last, err := d.parent(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return d.failed("remove", name, err)
	}
	defer done(at)
	r := &remover{dir: d, top: at}
	r.remove(at, last, name, 0)
	for len(r.later) > 0 && r.err == nil {
		next := r.later[0]
		r.later = r.later[1:]
		r.remove(at, next, name, 0)
	}
	return r.err
}

// remover removes one tree.
type remover struct {
	dir   Dir
	top   int // where the tree lies
	later []string
	err   error // the first
}

func (r *remover) failed(name string, err error) {
	if err != nil && !errors.Is(err, fs.ErrNotExist) && r.err == nil {
		r.err = r.dir.failed("remove", name, err)
	}
}

func (r *remover) remove(at int, last, name string, depth int) {
	err := unix.Unlinkat(at, last, 0)
	if err == nil || errors.Is(err, unix.ENOENT) {
		return
	}
	info, serr := infoAt(at, last)
	if serr != nil || !info.IsDir() {
		r.failed(name, cmp.Or(serr, err))
		return
	}
	if depth == maxOpen {
		// Too deep to hold every directory on the way open: it becomes a tree of its own beside the first.
		moved, err := unused(".removed-", func(to string) error {
			if _, err := infoAt(r.top, to); err == nil {
				return fs.ErrExist
			}
			return unix.Renameat(at, last, r.top, to)
		})
		if err == nil {
			r.later = append(r.later, moved)
		}
		r.failed(name, err)
		return
	}
	r.content(at, last, name, depth)
	r.failed(name, unix.Unlinkat(at, last, unix.AT_REMOVEDIR))
}

// content removes what is in a directory.
func (r *remover) content(at int, last, name string, depth int) {
	fd, err := openHere(at, last, unix.O_RDONLY|unix.O_DIRECTORY)
	if errors.Is(err, fs.ErrPermission) && unix.Fchmodat(at, last, 0o700, unix.AT_SYMLINK_NOFOLLOW) == nil {
		fd, err = openHere(at, last, unix.O_RDONLY|unix.O_DIRECTORY)
	}
	if err != nil {
		r.failed(name, err)
		return
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	for {
		names, err := f.Readdirnames(1000)
		for _, n := range names {
			r.remove(fd, n, path.Join(name, n), depth+1)
		}
		if len(names) == 0 || r.err != nil {
			_ = err // the end, or what removing the directory will say
			return
		}
		// A directory that changed is read from its beginning.
		if _, err := f.Seek(0, 0); err != nil {
			r.failed(name, err)
			return
		}
	}
}
