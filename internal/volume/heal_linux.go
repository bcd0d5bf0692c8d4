package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Healed is what Heal did.
type Healed struct {
	// Given is how many files and directories got another owner.
	Given int
	// LeftAlone are mounts that belong to somebody else: directories and files from elsewhere, whose owner is not ours to
	// change.
	LeftAlone []string
}

// Heal gives a directory to a user (contract M15): the directory itself, what lies directly in it, and whatever there
// belongs to somebody else with all that is below. Trees whose top is right are not walked, but for those
// that looked names: so many levels of them are looked at as well.
//
// It works from descriptors, follows no symbolic link, and leaves alone what is mounted, and regular files with more than
// one name: one of the names may be somewhere else. The error is of the first few that failed.
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

// topLevel marks the directory itself, whose directories are not all looked into.
const topLevel = 9

// dir heals an open directory and closes it. levels says how deep to look below it where owners
// are right: 0 for no further than itself.
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

// entry heals one name in an open directory. What is given is what was opened and looked at: the name may mean
// something else by then.
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

// failed keeps the first few errors: on a volume that refuses, every file fails alike. What is gone needs no healing.
func (h *healer) failed(path string, err error) {
	if len(h.errs) < 3 && !errors.Is(err, fs.ErrNotExist) {
		h.errs = append(h.errs, fmt.Errorf("%s: %w", path, err))
	}
}
