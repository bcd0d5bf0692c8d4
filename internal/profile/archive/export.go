package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hermes/internal/profile"
	"hermes/internal/profile/contents"
	"hermes/internal/profile/env"
	"hermes/internal/volume"
)

// ExportOptions says what goes into an archive.
type ExportOptions struct {
	// Secrets includes the values in .env and the files that may hold keys.
	Secrets bool
	Limits  Limits // the limits that an import has
	// Snapshot copies a SQLite database, which may be in use, into a new file.
	Snapshot func(ctx context.Context, from, to string) error
	// Progress, if not nil, is called with what has been read so far.
	Progress func(files int, size int64)
}

// Exported describes what an archive holds.
type Exported struct {
	Files int
	Size  int64 // the files' total size in bytes
	// LeftOut is what the archive does not hold: files that may hold keys, and things that no import would accept.
	LeftOut []contents.LeftOut
}

// Export writes a profile as a compressed tar archive with one directory, which has the profile's name. Logs, locks, the gateway's
// state and other things that belong to this volume are not in it. The gateway may run meanwhile. Export leaves out what an import
// would refuse. If the profile would not be complete without that, or is too large, Export fails.
func Export(ctx context.Context, h profile.Home, w io.Writer, o ExportOptions) (Exported, error) {
	e := exporter{home: h, o: o, taken: map[string]bool{}}
	take := func(rel string, _ contents.Part, d fs.DirEntry) error { return e.takeOne(ctx, rel, d) }
	e.copier = contents.Copier{Home: h.Files(), Skip: e.skip, Take: take}
	err := e.run(w)
	var refused *Error
	switch {
	case errors.As(err, &refused):
		err = fmt.Errorf("cannot export profile '%s': the archive could not be imported: %s", h.Name, refused.fault())
	case err != nil:
		err = fmt.Errorf("cannot export profile '%s': %w", h.Name, err)
	}
	e.LeftOut = e.copier.LeftOut
	return e.Exported, err
}

type exporter struct {
	Exported
	copier contents.Copier
	home   profile.Home
	o      ExportOptions
	tar    *tar.Writer
	made   int             // counts towards Limits.Entries
	taken  map[string]bool // what is in the archive, and links that may still come into it
	links  []foundLink
}

type foundLink struct {
	rel, target string
	mod         time.Time
}

func (e *exporter) run(w io.Writer) (err error) {
	if err := e.home.CheckSource(); err != nil {
		return err
	}
	if err := checkContent(e.home.Files(), e.home.Dir); err != nil {
		return err
	}
	p, err := newPacked(w, e.o.Limits)
	if err != nil {
		return err
	}
	e.tar = tar.NewWriter(p)
	if err = e.entries(); err == nil {
		err = e.tar.Close()
	}
	return errors.Join(err, p.Close())
}

func (e *exporter) entries() error {
	info, err := e.home.Files().Lstat(".")
	if err != nil {
		return err
	}
	if err := e.header(tar.TypeDir, "", 0o700, 0, info.ModTime(), ""); err != nil {
		return err
	}
	if err := e.copier.Run(); err != nil {
		return err
	}
	return e.takeLinks()
}

// skip is the copier's Skip.
func (e *exporter) skip(rel string, p contents.Part, d fs.DirEntry) (bool, string) {
	switch {
	case rel == profile.EnvName:
		return false, ""
	case p == contents.Secret && !e.o.Secrets:
		return true, contents.WhySecret
	case isSideFile(rel):
		return true, "" // the snapshot contains it
	case !d.IsDir() && !d.Type().IsRegular() && d.Type() != fs.ModeSymlink:
		return true, contents.WhySpecial
	}
	var wrong *Error
	if _, _, err := splitEntry(e.name(rel)); errors.As(err, &wrong) {
		return true, "it " + wrong.Msg
	}
	return false, ""
}

// isSideFile reports whether a file is a side file of a database, whose content is in the snapshot.
func isSideFile(rel string) bool {
	for _, name := range []string{profile.DatabaseName, profile.FormerDatabaseName} {
		if side, ok := strings.CutPrefix(rel, name); ok && slices.Contains([]string{"-wal", "-shm", "-journal"}, side) {
			return true
		}
	}
	return false
}

// takeOne is the copier's Take.
func (e *exporter) takeOne(ctx context.Context, rel string, d fs.DirEntry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	switch {
	case rel == profile.EnvName && !e.o.Secrets:
		return e.envNames()
	case rel == profile.DatabaseName, rel == profile.FormerDatabaseName:
		return e.database(ctx, rel)
	case d.Type() == fs.ModeSymlink:
		return e.findLink(rel, d)
	case d.IsDir():
		info, err := d.Info()
		if err != nil {
			return contents.Unreadable(err)
		}
		return e.header(tar.TypeDir, rel, info.Mode().Perm()&^0o022|0o700, 0, info.ModTime(), "")
	}
	f, info, err := e.copier.Open(rel)
	if err != nil {
		return err
	}
	defer f.Close()
	return e.file(rel, f, info)
}

// findLink remembers a link for takeLinks.
func (e *exporter) findLink(rel string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return contents.Unreadable(err)
	}
	target, err := e.home.Files().Readlink(rel)
	if errors.Is(err, fs.ErrNotExist) {
		return contents.ErrVanished
	}
	if err != nil {
		return contents.Unreadable(err)
	}
	if target = filepath.ToSlash(target); !stays(rel, target) {
		return contents.Leave{Why: contents.WhyLink}
	}
	e.taken[rel] = true
	e.links = append(e.links, foundLink{rel, target, info.ModTime()})
	return nil
}

// takeLinks adds the links that an import accepts, which are those that lead to something in the archive.
func (e *exporter) takeLinks() error {
	for _, l := range e.links {
		if e.home.Files().Follow(l.rel, func(at string) bool { return e.taken[at] }) != nil {
			e.copier.LeftOut = append(e.copier.LeftOut, contents.LeftOut{Name: l.rel, Why: contents.WhyLink})
			continue
		}
		if err := e.header(tar.TypeSymlink, l.rel, 0o777, 0, l.mod, l.target); err != nil {
			return err
		}
	}
	return nil
}

// file writes as many bytes as the file has now, because the file may grow meanwhile.
func (e *exporter) file(rel string, f *os.File, info fs.FileInfo) error {
	var wrong *Error
	if errors.As(e.o.Limits.file(rel, info.Size()), &wrong) {
		return contents.Leave{Why: "it " + wrong.Msg}
	}
	if err := e.header(tar.TypeReg, rel, contents.CleanMode(info.Mode()), info.Size(), info.ModTime(), ""); err != nil {
		return err
	}
	if _, err := io.CopyN(e, f, info.Size()); err != nil {
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%s shrank while it was read: try again", rel)
		}
		return fmt.Errorf("%s: %w", rel, err)
	}
	e.Files++
	return nil
}

// Write writes content to the archive and counts it.
func (e *exporter) Write(p []byte) (int, error) {
	n, err := e.tar.Write(p)
	e.Size += int64(n)
	if e.o.Progress != nil {
		e.o.Progress(e.Files, e.Size)
	}
	return n, err
}

// database writes a consistent copy of a database that may be in use.
func (e *exporter) database(ctx context.Context, rel string) error {
	dir, discard, err := tempDir(e.home.Root)
	if err != nil {
		return err
	}
	defer discard()
	if err := e.o.Snapshot(ctx, filepath.Join(e.home.Dir, rel), dir.Path("copy.db")); err != nil {
		return err
	}
	f, err := dir.Open("copy.db")
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return e.file(rel, f, info)
}

// tempDir returns a temporary directory, if possible on the volume, because a copy of what lies there fits there too.
func tempDir(root string) (dir volume.Dir, discard func(), err error) {
	if st, err := profile.NewStore(root).Stage(); err == nil {
		return st.Files, st.Discard, nil
	}
	tmp, err := os.MkdirTemp("", "hermes-export-*")
	return volume.At(tmp), func() { os.RemoveAll(tmp) }, err
}

// envNames writes an .env that names the variables to fill in and contains no values. It leaves out comments too, because people put
// old values into them.
func (e *exporter) envNames() error {
	vars, err := env.Load(e.home)
	if err != nil {
		e.copier.LeftOut = append(e.copier.LeftOut, contents.LeftOut{Name: profile.EnvName, Why: "its variables cannot be read"})
		return nil
	}
	text := "# `hermes profile export` left the values out.\n"
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		if name != env.Key && name != env.Port && variable(name) { // an import makes new ones
			text += name + "=\n"
		}
	}
	if err := e.header(tar.TypeReg, ".env", 0o600, int64(len(text)), time.Now(), ""); err != nil {
		return err
	}
	if _, err := io.Copy(e, bytes.NewReader([]byte(text))); err != nil {
		return err
	}
	e.Files++
	return nil
}

// variable accepts only what is certainly a name, and not a value that came before a colon by mistake.
func variable(s string) bool {
	for _, c := range s {
		if c != '_' && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// name returns the archive's name for a path in the home.
func (e *exporter) name(rel string) string { return path.Join(e.home.Name.String(), rel) }

func (e *exporter) header(kind byte, rel string, mode fs.FileMode, size int64, mod time.Time, target string) error {
	if e.made++; kind != tar.TypeSymlink {
		e.taken[path.Clean(rel)] = true
	}
	if err := e.o.Limits.entries(e.made); err != nil {
		return err
	}
	name := e.name(rel)
	if kind == tar.TypeDir {
		name += "/"
	}
	return e.tar.WriteHeader(&tar.Header{
		Typeflag: kind, Name: name, Linkname: target, Mode: int64(mode), Size: size,
		ModTime: mod.Truncate(time.Second), Format: tar.FormatPAX,
	})
}
