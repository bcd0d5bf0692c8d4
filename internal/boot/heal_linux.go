package boot

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Heal gives a volume to the runtime user (M15). It looks at the root home, at each profile's home and
// at the log directories, and at what lies directly in them; whatever there belongs to somebody else
// is given over with all that is below it. Trees whose top is right are not walked.
//
// It follows no symbolic link, and it leaves alone regular files with more than one name: one of the names
// may be somewhere else.
func Heal(root string, uid, gid int) error {
	h := healer{uid: uid, gid: gid}
	// No element of the path may be a link: HERMES_HOME may lie in a directory of the runtime user's.
	fd, err := unix.Openat2(unix.AT_FDCWD, root, &unix.OpenHow{
		Flags: unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS,
	})
	if errors.Is(err, unix.ENOSYS) { // before Linux 5.6
		fd, err = unix.Open(root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return &os.PathError{Op: "open", Path: root, Err: err}
	}
	h.dir(fd, root, rootLevel)
	return errors.Join(h.errs...)
}

type healer struct {
	uid, gid int
	errs     []error
}

// rootLevel marks the root home, whose directories are not all looked into.
const rootLevel = 9

// looked names those that are, and how deep: profiles/coder/.env, logs/gateways/coder/current. What they hold
// may have been written by a root process that had no reason to touch their top.
var looked = map[string]int{"profiles": 2, "logs": 3}

// dir heals an open directory and closes it. levels says how deep to look below it where owners
// are right: 0 for no further than itself.
func (h *healer) dir(fd int, path string, levels int) {
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		h.failed(path, err)
		return
	}
	wrong := h.wrong(&st)
	if !wrong && levels == 0 {
		return
	}
	names, err := f.Readdirnames(-1)
	if err != nil {
		h.failed(path, err)
	}
	for _, name := range names {
		below := max(0, levels-1)
		if levels == rootLevel {
			below = looked[name]
		}
		h.entry(fd, path+"/"+name, name, below)
	}
	if wrong {
		if err := unix.Fchown(fd, h.uid, h.gid); err != nil {
			h.failed(path, err)
		}
	}
}

// entry heals one name in an open directory.
func (h *healer) entry(dirfd int, path, name string, levels int) {
	var st unix.Stat_t
	if err := unix.Fstatat(dirfd, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		h.failed(path, err)
		return
	}
	switch kind := st.Mode & unix.S_IFMT; {
	case kind == unix.S_IFDIR:
		if !h.wrong(&st) && levels == 0 {
			return
		}
		fd, err := unix.Openat(dirfd, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			h.failed(path, err)
			return
		}
		h.dir(fd, path, levels)
	case !h.wrong(&st) || kind == unix.S_IFREG && st.Nlink > 1:
	default:
		if err := unix.Fchownat(dirfd, name, h.uid, h.gid, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			h.failed(path, err)
		}
	}
}

func (h *healer) wrong(st *unix.Stat_t) bool {
	return int(st.Uid) != h.uid || int(st.Gid) != h.gid
}

// failed keeps the first few errors: on a volume that refuses, every file fails alike.
func (h *healer) failed(path string, err error) {
	if len(h.errs) < 3 {
		h.errs = append(h.errs, fmt.Errorf("%s: %w", path, err))
	}
}
