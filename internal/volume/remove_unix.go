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

// RemoveAll removes a name and everything below it. It follows no link and does not enter another mount: a mount stays, and then the
// error wraps ErrMount. It is no error if the name does not exist.
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
	top   int // the directory that contains the tree
	later []string
	err   error // the first error
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
		// The tree is too deep to keep every directory open. So move this directory up beside the tree and remove it as a tree of
		// its own.
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

// content removes everything in a directory.
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
			_ = err // the end of the list; after another error the directory cannot be removed, and that is reported
			return
		}
		// After a change, read the directory from its beginning again.
		if _, err := f.Seek(0, 0); err != nil {
			r.failed(name, err)
			return
		}
	}
}
