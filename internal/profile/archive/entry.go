package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"hermes/internal/profile/contents"
	"hermes/internal/volume"
)

// entry unpacks one entry or refuses it.
func (u *unpacker) entry(hdr *tar.Header, content io.Reader) error {
	rel, err := u.place(hdr)
	if err != nil {
		return err
	}
	dir := hdr.Typeflag == tar.TypeDir
	switch {
	case rel == "." && dir:
		return nil
	case rel == ".":
		return &Error{hdr.Name, "lies beside the one directory that an archive holds"}
	}
	if err := harmless(hdr, rel, u.top); err != nil {
		return err
	}
	if contents.Of(rel) == contents.Local {
		if !dir {
			u.drop(rel)
		}
		return nil
	}
	mode := fs.FileMode(hdr.Mode)
	switch hdr.Typeflag {
	case tar.TypeDir:
		if u.o.Progress != nil {
			u.o.Progress(u.files, u.size)
		}
		return u.dir(rel, mode.Perm()&^0o022|0o700)
	case tar.TypeReg:
		return u.file(hdr.Name, rel, contents.CleanMode(mode), hdr.Size, content)
	case tar.TypeSymlink:
		u.links = append(u.links, link{rel, hdr.Linkname})
		return nil
	}
	return u.hardLink(hdr, rel)
}

func (u *unpacker) drop(rel string) {
	u.dropped = append(u.dropped, contents.LeftOut{Name: rel, Why: contents.WhyDropped})
}

// place returns the path of an entry relative to the home; "." is the home itself.
func (u *unpacker) place(hdr *tar.Header) (string, error) {
	top, rel, err := splitEntry(hdr.Name)
	if err != nil {
		return "", err
	}
	switch {
	case u.top == "":
		if u.top = top; u.named != nil {
			if err := u.named(top); err != nil {
				return "", err
			}
		}
	case u.top != top:
		return "", &Error{hdr.Name, fmt.Sprintf("is not in the directory %q of the entries before it", u.top)}
	}
	if u.seen[rel] {
		return "", &Error{hdr.Name, "is there twice"}
	}
	u.seen[rel] = true
	return rel, nil
}

// parents makes the missing directories above an entry.
func (u *unpacker) parents(rel string) error {
	dir := path.Dir(rel)
	if _, known := u.seen[dir]; known || dir == "." {
		return nil
	}
	if err := u.parents(dir); err != nil {
		return err
	}
	u.seen[dir] = false
	if err := u.count(); err != nil {
		return err
	}
	if err := u.to.Mkdir(dir, 0o700); err != nil {
		return taken(dir, err)
	}
	return nil
}

func (u *unpacker) dir(rel string, mode fs.FileMode) error {
	if err := u.parents(rel); err != nil {
		return err
	}
	err := u.to.Mkdir(rel, mode)
	if errors.Is(err, fs.ErrExist) {
		// An earlier entry below this directory may have created it.
		if info, serr := u.to.Lstat(rel); serr == nil && info.IsDir() {
			return u.to.Chmod(rel, mode)
		}
	}
	if err != nil {
		return taken(rel, err)
	}
	return nil
}

// taken explains an error that means that another entry has the same place, or one whose name differs only in case. If a link is to
// come to that place, its directory is missing, because links are made last.
func taken(rel string, err error) error {
	if errors.Is(err, fs.ErrExist) || errors.Is(err, errNotDir) || errors.Is(err, fs.ErrNotExist) {
		return &Error{rel, "collides with another entry"}
	}
	return err
}

func (u *unpacker) file(name, rel string, mode fs.FileMode, size int64, content io.Reader) error {
	if err := u.o.Limits.file(name, size); err != nil {
		return err
	}
	if err := u.parents(rel); err != nil {
		return err
	}
	f, err := u.to.Create(rel, mode)
	if err != nil {
		return taken(rel, err)
	}
	_, err = io.Copy(&writeCounter{f, u}, content)
	var pe *fs.PathError
	switch cerr := f.Close(); {
	case err == nil:
		err = cerr
	case !errors.As(err, &pe):
		err = broken(err)
	}
	u.files++
	return err
}

type writeCounter struct {
	w io.Writer
	u *unpacker
}

func (w *writeCounter) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	w.u.size += int64(n)
	if w.u.o.Progress != nil {
		w.u.o.Progress(w.u.files, w.u.size)
	}
	if err == nil {
		err = w.u.bound(w.u.size)
	}
	return n, err
}

// hardLink copies a file that came earlier. A home must not have two names for one file, because the healing of ownership skips such
// files.
func (u *unpacker) hardLink(hdr *tar.Header, rel string) error {
	_, target, err := splitEntry(hdr.Linkname)
	if err != nil {
		return err
	}
	if contents.Of(target) == contents.Local {
		u.drop(rel)
		return nil
	}
	f, err := u.to.Open(target)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, volume.ErrNotRegular) {
		return &Error{hdr.Name, "is a link to something that is no file before it"}
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return u.file(hdr.Name, rel, contents.CleanMode(info.Mode()), info.Size(), f)
}
