package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Healed says what Heal did.
type Healed struct {
	// Given is how many files and directories got another owner.
	Given int
	// LeftAlone are mounts with another owner. They are directories and files from elsewhere, so Heal does not change their owner.
	LeftAlone []string
}

// Heal changes the owner of a directory to a user (contract M15): of the directory itself, of what lies directly in it and, if the
// owner of one of these is wrong, of everything below that one. It does not walk a tree whose top has the right owner, except for
// the directories that are keys of looked: of those it looks at as many levels as the value says.
//
// It works with descriptors and follows no symbolic link. It leaves mounts alone, and regular files with more than one name, because
// another name may be outside the directory. The error has the first few failures.
func (d Dir) Heal(uid, gid int, looked map[string]int) (Healed, error) {
	h := healer{uid: uid, gid: gid, looked: looked}
	fd, err := d.open(".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return h.Healed, d.failed("open", ".", err)
	}
	h.dir(fd, d.Path("."), topLevel)
	return h.Healed, errors.Join(h.errs...)
}

type healer struct {
	Healed
	uid, gid int
	looked   map[string]int
	errs     []error
}

// topLevel is the number of levels of the directory itself. For its subdirectories, looked says how many levels count.
const topLevel = 9

// dir heals an open directory and closes it. levels is how many levels below it to look at where the owner is right; 0 means only
// the directory itself.
func (h *healer) dir(fd int, path string, levels int) {
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	info, err := infoOf(path, fd)
	if err != nil {
		h.failed(path, err)
		return
	}
	if !h.wrong(info) && levels == 0 {
		return
	}
	names, err := f.Readdirnames(-1)
	if err != nil {
		h.failed(path, err)
	}
	for _, name := range names {
		below := max(0, levels-1)
		if levels == topLevel {
			below = h.looked[name]
		}
		h.entry(fd, path+"/"+name, name, below)
	}
	if h.wrong(info) {
		h.give(fd, path)
	}
}

// entry heals one name in an open directory. It opens the file, looks at it by its descriptor and changes the owner of that
// descriptor, because the name may stand for another file by then.
func (h *healer) entry(at int, path, name string, levels int) {
	info, err := infoAt(at, name)
	if err != nil {
		h.failed(path, err)
		return
	}
	if !h.wrong(info) && (levels == 0 || !info.IsDir()) {
		return
	}
	flags := unix.O_PATH
	if info.IsDir() {
		flags = unix.O_RDONLY | unix.O_DIRECTORY
	}
	fd, err := openHere(at, name, flags)
	if errors.Is(err, ErrMount) {
		if h.wrong(info) {
			h.LeftAlone = append(h.LeftAlone, path)
		}
		return
	}
	if err != nil {
		h.failed(path, err)
		return
	}
	if info.IsDir() {
		h.dir(fd, path, levels)
		return
	}
	defer done(fd)
	if info, err = infoOf(name, fd); err != nil {
		h.failed(path, err)
	} else if h.wrong(info) && !info.IsDir() && (!info.Mode().IsRegular() || info.Links() == 1) {
		h.give(fd, path)
	}
}

func (h *healer) wrong(i *Info) bool {
	uid, gid := i.Owner()
	return uid != h.uid || gid != h.gid
}

func (h *healer) give(fd int, path string) {
	if err := chownFD(fd, h.uid, h.gid); err != nil {
		h.failed(path, err)
		return
	}
	h.Given++
}

// failed keeps only the first few errors, because on some volumes every change fails in the same way. A file that is gone needs no
// healing.
func (h *healer) failed(path string, err error) {
	if len(h.errs) < 3 && !errors.Is(err, fs.ErrNotExist) {
		h.errs = append(h.errs, fmt.Errorf("%s: %w", path, err))
	}
}
