package doctor

import (
	"context"
	"fmt"
	"slices"

	"hermes/internal/profile"
	"hermes/internal/volume"
)

var (
	// readFiles are for people to write; hermes changes them when it is told to.
	readFiles = []string{profile.SoulName, profile.ConfigName, profile.EnvName}
	// gatewayFiles are the gateway's own. That StateName and CountersName can be read is looked at apart.
	gatewayFiles = []string{profile.StateName, profile.CountersName, profile.LockName, profile.PIDName, profile.ProcessesName, profile.TakeoverName}
	// databaseFiles belong together.
	databaseFiles = []string{profile.DatabaseName, profile.DatabaseName + "-wal", profile.DatabaseName + "-shm", profile.DatabaseName + "-journal"}
	// rootFiles lie in the home of all.
	rootFiles = []string{"logs/container-boot.log", "logs/audit.log", "logs/audit-weighty.log", "logs/states.log"}
	// logFiles lie in the log directory of a gateway.
	logFiles = []string{"current", "state"}
)

// checkFiles looks at what lies where hermes keeps its files: whether it is a file, and can be replaced as one.
func checkFiles(_ context.Context, e *examination) []Finding {
	found := e.kinds("", e.Store.Files(), rootFiles)
	found = append(found, e.mounted("", e.Store.Files(), nil, rootFiles)...)
	if !e.Image { // where no -p always means the default profile
		if _, err := e.Store.ActiveOrDefault(); err != nil {
			found = append(found, Finding{Severity: Error, What: err.Error(), Mend: "`hermes profile use --clear`"})
		}
	}
	for _, h := range e.homes() {
		label := h.Name.String()
		found = append(found, e.kinds(label, h.Files(), gatewayFiles[2:])...)
		found = append(found, e.kinds(label, h.Logs(), logFiles)...)
		found = append(found, e.mounted(label, h.Files(), readFiles, gatewayFiles)...)
		found = append(found, e.mounted(label, h.Logs(), nil, logFiles)...)
		found = append(found, e.mountedDatabase(h)...)
		if _, err := profile.ReadCounters(h); err != nil {
			found = append(found, Finding{Severity: Warning, Profile: label, What: err.Error(),
				Mend: fmt.Sprintf("`mv %s %[1]s.corrupt`, then %s: its counters begin anew", shell(h.CountersFile()), e.again(h.Name))})
		}
	}
	return found
}

// kinds finds names at which there is something else than a file.
func (e *examination) kinds(label string, dir volume.Dir, names []string) (found []Finding) {
	for _, name := range names {
		info, err := dir.Lstat(name)
		if err != nil || info.Mode().IsRegular() {
			continue // what cannot be looked at is another check's
		}
		found = append(found, Finding{Severity: Error, Profile: label, What: fmt.Sprintf("%s is %s: not a regular file", dir.Path(name), volume.Kind(info.Mode())),
			Mend: fmt.Sprintf("move it away: `mv %s %[1]s.away`; a file takes its place when it is needed", shell(dir.Path(name)))})
	}
	return found
}

// mounted finds files that are mounts of their own (docker run -v FILE:FILE). No other file can take the place of one, which is how a
// file is written so that a crash leaves the old content or the new. read are the files that hermes only reads unless it is told to
// change them.
func (e *examination) mounted(label string, dir volume.Dir, read, own []string) (found []Finding) {
	for _, name := range slices.Concat(read, own) {
		if !dir.IsMount(name) {
			continue
		}
		f := Finding{Severity: Warning, Profile: label, Mend: e.mountAround(dir)}
		writable := dir.Accessible(name)
		switch {
		case writable:
			f.What = dir.Path(name) + " is a mount of its own: no other file can take its place, so a crash while it is written can leave half of it"
		case slices.Contains(read, name):
			f.Severity = Note
			f.What, f.Mend = dir.Path(name)+" is mounted read-only: no command here can change it", "change it where it comes from"
		default:
			f.Severity = Error
			f.What = dir.Path(name) + " is mounted read-only, and the gateway writes it"
		}
		found = append(found, f)
	}
	return found
}

// mountedDatabase finds a database of which some part is mounted from elsewhere.
func (e *examination) mountedDatabase(h profile.Home) []Finding {
	for _, name := range databaseFiles {
		if h.Files().IsMount(name) {
			return []Finding{{Severity: Warning, Profile: h.Name.String(), Mend: e.mountAround(h.Files()),
				What: h.Files().Path(name) + " is a mount of its own: SQLite keeps a database in several files side by side, and what was written last is not where that one comes from"}}
		}
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
