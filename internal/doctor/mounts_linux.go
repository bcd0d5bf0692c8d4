package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"hermes/internal/profile"
	"hermes/internal/volume"
)

// mounted finds files that are mounts (docker run -v FILE:FILE). A mount cannot be replaced by another file, and only by replacing a
// file a crash leaves either the old or the new content. read are files that hermes only reads unless it is told to change them.
func (e *examination) mounted(label string, dir volume.Dir, read, own []string) (found []Finding) {
	for _, name := range slices.Concat(read, own) {
		if !dir.IsMount(name) {
			continue
		}
		f, ok := e.unwritable(label, dir, name)
		switch {
		case !ok:
			f.What = dir.Path(name) + " is a mount of its own: no other file can take its place, so a crash while it is written can leave half of it"
		case slices.Contains(read, name):
			f.Severity, f.Mend = Note, "what it says may be all that is needed; no command here changes it: change it where it comes from"
		}
		found = append(found, f)
	}
	return found
}

// unwritable tries whether a file that is a mount can be written. If so, it returns an unfinished finding and false.
func (e *examination) unwritable(label string, dir volume.Dir, name string) (Finding, bool) {
	f := Finding{Severity: Warning, Profile: label, Mend: e.mountAround(dir)}
	file, err := dir.Append(name, 0o600)
	if err == nil {
		file.Close()
		return f, false
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	f.Severity, f.What = Error, fmt.Sprintf("%s is a mount of its own and cannot be written: %v", dir.Path(name), err)
	return f, true
}

// mountedDatabase finds a database of which a file is mounted from elsewhere.
func (e *examination) mountedDatabase(h profile.Home) []Finding {
	for _, name := range []string{profile.DatabaseName, profile.DatabaseName + "-wal", profile.DatabaseName + "-shm", profile.DatabaseName + "-journal"} {
		if !h.Files().IsMount(name) {
			continue
		}
		f, ok := e.unwritable(h.Name.String(), h.Files(), name)
		if !ok {
			f.What = h.Files().Path(name) + " is a mount of its own: SQLite keeps a database in several files side by side, and what was written last is not where that one comes from"
		}
		return []Finding{f}
	}
	return nil
}

func (e *examination) mountAround(dir volume.Dir) string {
	what := dir.Path(".")
	if e.Image && dir.Path(".") == e.Store.Root() {
		return "mount the directory, not the file: `docker run -v hermes-data:" + what + " ...`, with the file in it"
	}
	return "mount the directory " + what + " or one above it, not the file"
}
