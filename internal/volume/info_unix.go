//go:build unix

package volume

import (
	"io/fs"
	"path"
	"time"

	"golang.org/x/sys/unix"
)

// Info describes a file. Its Sys returns nil; Owner and Links return what is usually taken from there.
type Info struct {
	name string
	st   unix.Stat_t
}

// Name returns the last element of the file's name.
func (i *Info) Name() string { return i.name }

// Size returns the file's size in bytes.
func (i *Info) Size() int64 { return i.st.Size }

// ModTime returns when the content last changed.
func (i *Info) ModTime() time.Time { return time.Unix(i.st.Mtim.Unix()) }

// IsDir reports whether the file is a directory.
func (i *Info) IsDir() bool { return i.Mode().IsDir() }

// Sys returns nil.
func (i *Info) Sys() any { return nil }

// Owner returns the ids of the user and the group that own the file.
func (i *Info) Owner() (uid, gid int) { return int(i.st.Uid), int(i.st.Gid) }

// Links returns how many names the file has.
func (i *Info) Links() uint64 { return uint64(i.st.Nlink) } //nolint:unconvert // uint16 on macOS

// Same reports whether both describe the same file.
func (i *Info) Same(other *Info) bool { return i.st.Dev == other.st.Dev && i.st.Ino == other.st.Ino }

// Mode returns the type and the permissions (inode(7)).
func (i *Info) Mode() fs.FileMode {
	m := uint32(i.st.Mode) //nolint:unconvert // uint16 on macOS
	mode := fs.FileMode(m & 0o777)
	switch m & unix.S_IFMT {
	case unix.S_IFDIR:
		mode |= fs.ModeDir
	case unix.S_IFLNK:
		mode |= fs.ModeSymlink
	case unix.S_IFIFO:
		mode |= fs.ModeNamedPipe
	case unix.S_IFSOCK:
		mode |= fs.ModeSocket
	case unix.S_IFBLK:
		mode |= fs.ModeDevice
	case unix.S_IFCHR:
		mode |= fs.ModeDevice | fs.ModeCharDevice
	case unix.S_IFREG:
	default:
		mode |= fs.ModeIrregular
	}
	if m&unix.S_ISUID != 0 {
		mode |= fs.ModeSetuid
	}
	if m&unix.S_ISGID != 0 {
		mode |= fs.ModeSetgid
	}
	if m&unix.S_ISVTX != 0 {
		mode |= fs.ModeSticky
	}
	return mode
}

func infoOf(name string, fd int) (*Info, error) {
	i := &Info{name: path.Base(name)}
	if _, err := ignoringEINTR(func() (int, error) { return 0, unix.Fstat(fd, &i.st) }); err != nil {
		return nil, err
	}
	return i, nil
}

func infoAt(at int, name string) (*Info, error) {
	i := &Info{name: name}
	if _, err := ignoringEINTR(func() (int, error) { return 0, unix.Fstatat(at, name, &i.st, unix.AT_SYMLINK_NOFOLLOW) }); err != nil {
		return nil, err
	}
	return i, nil
}
