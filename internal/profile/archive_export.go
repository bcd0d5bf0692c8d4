package profile

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

	"github.com/klauspost/compress/zstd"

	"hermes/internal/volume"
)

// ExportOptions says what goes into an archive.
type ExportOptions struct {
	// Secrets includes the values in .env and the files that may hold keys.
	Secrets bool
	// Snapshot copies a SQLite database, in use or not, into a file that does not exist yet.
	Snapshot func(ctx context.Context, from, to string) error
	// Progress, if not nil, is called with what has been read so far.
	Progress func(files int, size int64)
}

// Exported tells what an archive holds.
type Exported struct {
	Files int
	Size  int64 // of the files, in bytes
	// LeftOut are the files that may hold keys, and links that lead out of the home.
	LeftOut []string
}

// Export writes a profile as a compressed tar archive with one directory, which has the profile's name. Logs, locks,
// the gateway's state and whatever else belongs to this volume stay here. The gateway may run.
func Export(ctx context.Context, h Home, w io.Writer, o ExportOptions) (Exported, error) {
	e := exporter{home: h, o: o}
	err := e.run(ctx, w)
	if err != nil {
		err = fmt.Errorf("cannot export profile '%s': %w", h.Name, err)
	}
	return e.Exported, err
}

type exporter struct {
	Exported
	home Home
	o    ExportOptions
	tar  *tar.Writer
}

func (e *exporter) run(ctx context.Context, w io.Writer) (err error) {
	if err := e.home.isSource(); err != nil {
		return err
	}
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(maxWindow))
	if err != nil {
		return err
	}
	e.tar = tar.NewWriter(z)
	if err = e.entries(ctx); err == nil {
		err = e.tar.Close()
	}
	return errors.Join(err, z.Close())
}

func (e *exporter) entries(ctx context.Context) error {
	info, err := e.home.Files().Lstat(".")
	if err != nil {
		return err
	}
	if err := e.header(tar.TypeDir, "", 0o700, 0, info.ModTime(), ""); err != nil {
		return err
	}
	return walkHome(e.home.Files(), func(rel string, p part, d fs.DirEntry) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		switch {
		case p == partLocal:
			return skip(d)
		case rel == ".env" && !e.o.Secrets:
			return e.envNames()
		case p == partSecret && !e.o.Secrets:
			e.LeftOut = append(e.LeftOut, rel)
			return skip(d)
		case rel == DatabaseName, rel == FormerDatabaseName:
			return e.database(ctx, rel)
		case strings.HasPrefix(rel, DatabaseName+"-"), strings.HasPrefix(rel, FormerDatabaseName+"-"):
			return nil // part of the snapshot
		}
		return e.entry(rel, d)
	})
}

func (e *exporter) entry(rel string, d fs.DirEntry) error {
	info, err := d.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	switch {
	case d.IsDir():
		return e.header(tar.TypeDir, rel, info.Mode().Perm()&^0o022|0o700, 0, info.ModTime(), "")
	case d.Type()&fs.ModeSymlink != 0:
		return e.link(rel, info)
	case !d.Type().IsRegular():
		e.LeftOut = append(e.LeftOut, rel)
		return nil
	}
	f, err := e.home.Files().Open(rel)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return e.file(rel, f)
}

// link takes a link along that an import accepts: one to something in the home.
func (e *exporter) link(rel string, info fs.FileInfo) error {
	target, err := e.home.Files().Readlink(rel)
	if err == nil {
		target = filepath.ToSlash(target)
		err = e.home.Files().Leads(rel)
	}
	if err != nil || !stays(rel, target) {
		e.LeftOut = append(e.LeftOut, rel)
		return nil
	}
	return e.header(tar.TypeSymlink, rel, 0o777, 0, info.ModTime(), target)
}

// file writes as much as the file holds now: it may grow.
func (e *exporter) file(rel string, f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := e.header(tar.TypeReg, rel, cleanMode(info.Mode()), info.Size(), info.ModTime(), ""); err != nil {
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

// Write counts what goes into the archive.
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
	return e.file(rel, f)
}

// tempDir prefers the volume: it has room for what comes from it.
func tempDir(root string) (dir volume.Dir, discard func(), err error) {
	if st, err := NewStore(root).stage(); err == nil {
		return st.files, st.discard, nil
	}
	tmp, err := os.MkdirTemp("", "hermes-export-*")
	return volume.At(tmp), func() { os.RemoveAll(tmp) }, err
}

// envNames writes an .env that says which variables to fill in, and none of the values. Comments may hold values that
// somebody put away, so they are left out too.
func (e *exporter) envNames() error {
	env, err := LoadEnv(e.home)
	if err != nil {
		e.LeftOut = append(e.LeftOut, ".env")
		return nil
	}
	text := "# `hermes profile export` left the values out.\n"
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if name != "API_SERVER_KEY" && name != "API_SERVER_PORT" && variable(name) { // these are made anew
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

// variable admits what is surely a name and no value that slipped to the wrong side of a colon.
func variable(s string) bool {
	for _, c := range s {
		if c != '_' && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

func (e *exporter) header(kind byte, rel string, mode fs.FileMode, size int64, mod time.Time, target string) error {
	name := path.Join(e.home.Name.String(), rel)
	if kind == tar.TypeDir {
		name += "/"
	}
	return e.tar.WriteHeader(&tar.Header{
		Typeflag: kind, Name: name, Linkname: target, Mode: int64(mode), Size: size,
		ModTime: mod.Truncate(time.Second), Format: tar.FormatPAX,
	})
}

// stays reports whether a link's target, as it is written, stays in the home.
func stays(rel, target string) bool {
	if target == "" || path.IsAbs(target) || strings.ContainsAny(target, "\\:\x00") {
		return false
	}
	joined := path.Join(path.Dir(rel), target)
	return joined != ".." && !strings.HasPrefix(joined, "../")
}
