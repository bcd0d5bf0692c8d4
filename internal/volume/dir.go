package volume

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ErrNotRegular reports that something else lies where a regular file is expected: a directory, a symbolic link, a FIFO, a device,
// or a socket.
var ErrNotRegular = errors.New("not a regular file")

// ErrTooLarge reports that a file is larger than the caller allows.
var ErrTooLarge = errors.New("too large")

// ErrMount reports that something lies on another file system than the directory above it, or is mounted there from elsewhere, such
// as a bind mount of the host.
var ErrMount = errors.New("is a mount of its own")

// errLeaves reports that a name would lead out of the directory.
var errLeaves = errors.New("the name leads out of the directory")

// Dir is a directory below which files are used. It has a base, which is opened when it is first used and stays open, and a path
// below the base, which each call looks up anew from there. The zero Dir cannot be used.
//
// Names are relative and use slashes. "." is the directory itself.
type Dir struct {
	base *base
	rel  string
}

// At returns the directory at an absolute path. It opens nothing: the directory need not exist, and then every call reports that. As
// root, a Dir refuses links on the path that somebody else could have changed: see openBase.
func At(path string) Dir { return Dir{&base{path: filepath.Clean(path)}, "."} }

// Split returns the parent directory of an absolute path, and the path's last element.
func Split(path string) (Dir, string) { return At(filepath.Dir(path)), filepath.Base(path) }

// IsZero reports whether d is the zero Dir.
func (d Dir) IsZero() bool { return d.base == nil }

// Sub returns a directory below d.
func (d Dir) Sub(name string) Dir { return Dir{d.base, path.Join(d.rel, name)} }

// Path returns the path of a name, for messages and for programs that need one. It does not look at what is there.
func (d Dir) Path(name string) string {
	return filepath.Join(d.base.path, filepath.FromSlash(d.rel), filepath.FromSlash(name))
}

// full returns a name relative to the base.
func (d Dir) full(name string) (string, error) {
	if name == "" || path.IsAbs(name) || strings.ContainsRune(name, 0) || slices.Contains(strings.Split(name, "/"), "..") {
		return "", errLeaves
	}
	return path.Join(d.rel, name), nil
}

// failed turns an error of the file system about a name in d into one with the whole path.
func (d Dir) failed(op, name string, err error) error {
	if err == nil {
		return nil
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return &fs.PathError{Op: op, Path: d.Path(name), Err: err}
}

// notRegular is the error for something that is not a regular file.
func (d Dir) notRegular(name string, mode fs.FileMode) error {
	return fmt.Errorf("%s is %s: %w", d.Path(name), Kind(mode), ErrNotRegular)
}

// ReadFile returns the content of a regular file of at most limit bytes.
// Errors are those of Open, and ErrTooLarge.
func (d Dir) ReadFile(name string, limit int64) ([]byte, error) {
	f, err := d.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	awaitWriter(f)
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", d.Path(name), err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: %w: over %d bytes", d.Path(name), ErrTooLarge, limit)
	}
	return data, nil
}

// IsDir returns nil if name is a directory, and not a symbolic link to one.
func (d Dir) IsDir(name string) error {
	info, err := d.Lstat(name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is %s, not a directory", d.Path(name), Kind(info.Mode()))
	}
	return nil
}

// Lstat is Stat with the result as a fs.FileInfo.
func (d Dir) Lstat(name string) (fs.FileInfo, error) {
	info, err := d.Stat(name)
	if err != nil {
		return nil, err
	}
	return info, nil
}

// MkdirTemp creates a directory of mode 0700 whose new name begins with prefix, and returns the name.
func (d Dir) MkdirTemp(prefix string) (string, error) {
	return unused(prefix, func(name string) error { return d.Mkdir(name, 0o700) })
}

// Rename renames a file or directory. It replaces a file or an empty directory that has the new name.
func (d Dir) Rename(from, to string) error { return d.RenameTo(from, d, to) }

// SetAside renames a file, as Rename does. If the file is a mount, it cannot be renamed: then its content, of at most limit bytes,
// is written to the new name and the file is emptied.
func (d Dir) SetAside(from, to string, limit int64) error {
	err := d.Rename(from, to)
	if !errors.Is(err, ErrMount) {
		return err
	}
	data, err := d.ReadFile(from, limit)
	if err != nil {
		return err
	}
	if err := d.WriteFile(to, data, 0o600); err != nil {
		return err
	}
	return d.WriteFile(from, nil, 0o600)
}

// Exists reports whether something has that name. If that cannot be found out, it returns true.
func (d Dir) Exists(name string) bool {
	_, err := d.Lstat(name)
	return !errors.Is(err, fs.ErrNotExist)
}

// RemoveIfThere removes a file. It is no error if there is none.
func (d Dir) RemoveIfThere(name string) error {
	if err := d.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Walk calls f for the directory and everything below it, ordered by name, each directory before its content, as fs.WalkDir does. It
// follows no links and ignores what vanishes meanwhile.
func (d Dir) Walk(f fs.WalkDirFunc) error {
	info, err := d.Lstat(".")
	if err != nil {
		return f(".", nil, err)
	}
	if err := d.walk(".", fs.FileInfoToDirEntry(info), f); err != nil && !errors.Is(err, fs.SkipDir) && !errors.Is(err, fs.SkipAll) {
		return err
	}
	return nil
}

func (d Dir) walk(name string, entry fs.DirEntry, f fs.WalkDirFunc) error {
	if err := f(name, entry, nil); err != nil || !entry.IsDir() {
		if errors.Is(err, fs.SkipDir) && entry.IsDir() {
			return nil
		}
		return err
	}
	entries, err := d.ReadDir(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) && name != "." {
			return nil
		}
		if err := f(name, entry, err); err != nil {
			if errors.Is(err, fs.SkipDir) {
				return nil
			}
			return err
		}
	}
	for _, e := range entries {
		if err := d.walk(path.Join(name, e.Name()), e, f); err != nil {
			if errors.Is(err, fs.SkipDir) {
				return nil // SkipDir for a file leaves out the rest of its directory
			}
			return err
		}
	}
	return nil
}

// maxLinks is how many links a path may lead over, as in Linux.
const maxLinks = 40

// Leads returns nil if a name leads, over symbolic links or without any, to something that exists in d. It opens nothing.
func (d Dir) Leads(name string) error { return d.Follow(name, func(string) bool { return true }) }

// Follow is Leads, but each directory and link on the way, and the end, counts as existing only if known returns true for it.
func (d Dir) Follow(name string, known func(name string) bool) error {
	todo := strings.Split(name, "/")
	var done []string
	for links := 0; len(todo) > 0; {
		element := todo[0]
		todo = todo[1:]
		switch element {
		case "", ".":
			continue
		case "..":
			if len(done) == 0 {
				return d.failed("follow", name, errLeaves)
			}
			done = done[:len(done)-1]
			continue
		}
		at := path.Join(append(slices.Clone(done), element)...)
		info, err := d.Lstat(at)
		if err == nil && !known(at) {
			err = d.failed("follow", at, fs.ErrNotExist)
		}
		if err != nil {
			return err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			done = append(done, element)
			continue
		}
		target, err := d.Readlink(at)
		if err != nil {
			return err
		}
		if links++; links > maxLinks || filepath.IsAbs(target) || path.IsAbs(target) {
			return d.failed("follow", name, errLeaves)
		}
		todo = append(strings.Split(filepath.ToSlash(target), "/"), todo...)
	}
	return nil
}

// unused calls f with names that begin with prefix until f does not report that the name is taken.
func unused(prefix string, f func(name string) error) (string, error) {
	const tries = 1000
	for try := 0; ; try++ {
		var b [8]byte
		rand.Read(b[:]) // crypto/rand.Read never fails
		name := prefix + strconv.FormatUint(1e9+binary.NativeEndian.Uint64(b[:])%9e9, 10)
		if err := f(name); !errors.Is(err, fs.ErrExist) || try == tries {
			return name, err
		}
	}
}

// Kind names the type of a file in plain words.
func Kind(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "a file"
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}

// ReadPath is ReadFile for an absolute path.
func ReadPath(path string, limit int64) ([]byte, error) {
	d, name := Split(path)
	return d.ReadFile(name, limit)
}

// WritePath is WriteFile for an absolute path.
func WritePath(path string, data []byte, perm fs.FileMode) error {
	d, name := Split(path)
	return d.WriteFile(name, data, perm)
}
