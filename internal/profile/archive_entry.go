package profile

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"hermes/internal/volume"
)

// entry unpacks one entry, or refuses it.
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
		return &ArchiveError{hdr.Name, "lies beside the one directory that an archive holds"}
	}
	if err := u.harmless(hdr, rel); err != nil {
		return err
	}
	if partOf(rel) == partLocal {
		if !dir {
			u.dropped = append(u.dropped, rel)
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
		return u.file(hdr.Name, rel, cleanMode(mode), hdr.Size, content)
	case tar.TypeSymlink:
		u.links = append(u.links, link{rel, hdr.Linkname})
		return nil
	}
	return u.hardLink(hdr, rel)
}

// harmless refuses what no profile holds, wherever it lies.
func (u *unpacker) harmless(hdr *tar.Header, rel string) error {
	leads := false
	switch hdr.Typeflag {
	case tar.TypeDir:
	case tar.TypeReg:
		for key := range hdr.PAXRecords {
			if strings.HasPrefix(key, "GNU.sparse") {
				return &ArchiveError{hdr.Name, "is a sparse file"}
			}
		}
	case tar.TypeSymlink:
		leads = !stays(rel, hdr.Linkname)
	case tar.TypeLink:
		top, _, err := splitEntry(hdr.Linkname)
		leads = err != nil || top != u.top
	default:
		return &ArchiveError{hdr.Name, "is neither a file nor a directory nor a link"}
	}
	if leads {
		return &ArchiveError{hdr.Name, "is a link that leads out of the profile"}
	}
	return nil
}

// place returns where an entry belongs, relative to the home; "." is the home itself.
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
		return "", &ArchiveError{hdr.Name, fmt.Sprintf("is not in the directory %q of the entries before it", u.top)}
	}
	if u.seen[rel] {
		return "", &ArchiveError{hdr.Name, "is there twice"}
	}
	u.seen[rel] = true
	return rel, nil
}

// splitEntry checks a name and splits the archive's one directory off.
func splitEntry(name string) (top, rel string, err error) {
	refuse := func(msg string) (string, string, error) {
		return "", "", &ArchiveError{name[:min(len(name), 120)], msg}
	}
	switch {
	case len(name) > maxPath:
		return refuse("has too long a name")
	case path.IsAbs(name), strings.HasPrefix(name, `\`):
		return refuse("is an absolute name")
	case !utf8.ValidString(name), strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsGraphic(c) }):
		return refuse("has unprintable characters in its name")
	case strings.ContainsAny(name, `\:`):
		return refuse("has a \\ or a : in its name, which some systems take for a path")
	}
	elements := strings.Split(name, "/")
	var kept []string
	for _, e := range elements {
		switch e {
		case "..":
			return refuse("leads out of the profile")
		case "", ".":
		default:
			kept = append(kept, e)
		}
	}
	if len(kept) == 0 {
		return refuse("has no name: pack the profile's directory, not what is in it")
	}
	if len(kept) > maxDepth {
		return refuse("lies too deep")
	}
	return kept[0], path.Join(append([]string{"."}, kept[1:]...)...), nil
}

// parents makes the directories above an entry.
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
		// On the way to an earlier entry, if it is a directory.
		if info, serr := u.to.Lstat(rel); serr == nil && info.IsDir() {
			return u.to.Chmod(rel, mode)
		}
	}
	if err != nil {
		return taken(rel, err)
	}
	return nil
}

// taken explains a place that another entry, or one that differs only in case, has taken. A directory is missing where
// a link, which is made last, is to be in its place.
func taken(rel string, err error) error {
	if errors.Is(err, fs.ErrExist) || errors.Is(err, errNotDir) || errors.Is(err, fs.ErrNotExist) {
		return &ArchiveError{rel, "collides with another entry"}
	}
	return err
}

func (u *unpacker) file(name, rel string, mode fs.FileMode, size int64, content io.Reader) error {
	if size > u.o.Limits.File {
		return &ArchiveError{name, fmt.Sprintf("is larger than %d bytes", u.o.Limits.File)}
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

// hardLink copies a file that came before. A home keeps no two names of one file: healing leaves such alone.
func (u *unpacker) hardLink(hdr *tar.Header, rel string) error {
	_, target, err := splitEntry(hdr.Linkname)
	if err != nil {
		return err
	}
	if partOf(target) == partLocal {
		u.dropped = append(u.dropped, rel)
		return nil
	}
	f, err := u.to.Open(target)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, volume.ErrNotRegular) {
		return &ArchiveError{hdr.Name, "is a link to something that is no file before it"}
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return u.file(hdr.Name, rel, cleanMode(info.Mode()), info.Size(), f)
}
