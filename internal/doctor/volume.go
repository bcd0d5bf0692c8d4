package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"hermes/internal/profile"
	"hermes/internal/store"
	"hermes/internal/volume"
)

const (
	// littleSpace is the number of free bytes below which there is a warning; below noSpace writes begin to fail. A profile's log
	// alone may take 11 MB.
	littleSpace = 256 << 20
	noSpace     = 16 << 20
	// fewFiles is the number of files that can still be created below which there is a warning.
	fewFiles = 1000
)

func checkVolume(ctx context.Context, e *examination) []Finding {
	root := e.Store.Root()
	files := e.Store.Files()
	_, err := files.Lstat(".")
	switch {
	case errors.Is(err, fs.ErrNotExist) && !e.Image:
		return []Finding{{Severity: Note, What: root + " does not exist yet", Mend: "`hermes gateway run` makes it; HERMES_HOME names another place"}}
	case err != nil:
		return []Finding{{Severity: Error, What: fmt.Sprintf("cannot look at HERMES_HOME: %v", err), Mend: e.mount()}}
	}
	name, err := files.MkdirTemp(".doctor-")
	if err != nil {
		return []Finding{{Severity: Error, What: fmt.Sprintf("cannot write in %s: %v", root, err),
			Mend: fmt.Sprintf("mount it writable, and give it to uid %d", e.UID)}}
	}
	defer func() { _ = files.RemoveAll(name) }() // if something stays, it is small
	dir := files.Sub(name)
	found := checkSpace(files)
	if err := dir.WriteFile("data", make([]byte, 64<<10), 0o600); err != nil {
		return append(found, Finding{Severity: Error, What: fmt.Sprintf("cannot write in %s: %v", root, err), Mend: "make room on the volume"})
	}
	found = append(found, probeLocks(dir)...)
	return append(found, probeDatabase(ctx, dir)...)
}

func (e *examination) mount() string {
	if e.Image {
		return "mount a volume there: `docker run -v hermes-data:" + e.Store.Root() + " ...`"
	}
	return "make that directory, or set HERMES_HOME"
}

func checkSpace(home volume.Dir) []Finding {
	root := home.Path(".")
	bytes, files, ok := free(home)
	switch {
	case !ok:
		return nil
	case bytes < noSpace:
		return []Finding{{Severity: Error, What: fmt.Sprintf("the volume is full: %d MB are free", bytes>>20), Mend: "make room: `du -sh " + shell(root) + "/*`"}}
	case bytes < littleSpace:
		return []Finding{{Severity: Warning, What: fmt.Sprintf("the volume is nearly full: %d MB are free", bytes>>20), Mend: "make room: `du -sh " + shell(root) + "/*`"}}
	case files < fewFiles:
		return []Finding{{Severity: Warning, What: fmt.Sprintf("the volume takes only %d more files", files), Mend: "remove files: `du --inodes -s " + shell(root) + "/*`"}}
	}
	return nil
}

// probeLocks finds out whether file locks work, on which it depends that each profile has only one gateway.
func probeLocks(dir volume.Dir) []Finding {
	const mend = "put HERMES_HOME on a local file system, or one whose locks work (NFS 4, or NFS 3 with lockd)"
	lock, err := dir.TryLock("lock")
	if err != nil {
		return []Finding{{Severity: Error, What: fmt.Sprintf("the volume's file system cannot lock files: %v", err), Mend: mend}}
	}
	defer lock.Unlock()
	second, err := dir.TryLock("lock")
	if err == nil {
		second.Unlock()
		return []Finding{{Severity: Error, What: "the volume's file system grants a lock twice: two gateways could run on one profile", Mend: mend}}
	}
	if err := probeLoggerLock(dir, "log-lock"); err != nil {
		return []Finding{{Severity: Error, What: fmt.Sprintf("the volume's file system has no POSIX locks, without which s6-log does not start: %v", err), Mend: mend}}
	}
	return nil
}

// probeDatabase creates a database like that of a profile.
func probeDatabase(ctx context.Context, dir volume.Dir) []Finding {
	s, err := store.Open(ctx, dir.Path(profile.DatabaseName))
	if err != nil {
		return []Finding{{Severity: Error, What: fmt.Sprintf("SQLite does not work on the volume: %v", err), Mend: "put HERMES_HOME on a local file system"}}
	}
	defer s.Close()
	if s.Journal() != "wal" {
		return []Finding{{Severity: Warning, What: "the volume's file system cannot do SQLite's WAL: profiles use a rollback journal, which is slower",
			Mend: "put HERMES_HOME on a local file system; a shared mount of a virtual machine is not one"}}
	}
	return nil
}
