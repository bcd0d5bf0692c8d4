package doctor

import (
	"context"
	"fmt"

	"hermes/internal/profile"
	"hermes/internal/volume"
)

var (
	// readFiles are files that people write. hermes changes them only when it is told to.
	readFiles = []string{profile.SoulName, profile.ConfigName, profile.EnvName}
	// gatewayFiles are files that only the gateway writes. Another check looks whether StateName and CountersName can be read.
	gatewayFiles = []string{profile.StateName, profile.CountersName, profile.LockName, profile.PIDName, profile.ProcessesName, profile.TakeoverName}
	// rootFiles are in the root home, for all profiles together.
	rootFiles = []string{"logs/container-boot.log", "logs/audit.log", "logs/audit-weighty.log", "logs/states.log"}
	// logFiles are in the log directory of a gateway.
	logFiles = []string{"current", "state"}
)

// checkFiles looks at the names of hermes's files: whether each is a regular file, and can be replaced.
func checkFiles(_ context.Context, e *examination) []Finding {
	found := e.kinds("", e.Store.Files(), rootFiles)
	found = append(found, e.mounted("", e.Store.Files(), nil, rootFiles)...)
	if !e.Image { // otherwise no -p always means the default profile
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

// kinds finds names that are taken by something else than a regular file.
func (e *examination) kinds(label string, dir volume.Dir, names []string) (found []Finding) {
	for _, name := range names {
		info, err := dir.Lstat(name)
		if err != nil || info.Mode().IsRegular() {
			continue // another check reports what cannot be looked at
		}
		found = append(found, Finding{Severity: Error, Profile: label, What: fmt.Sprintf("%s is %s: not a regular file", dir.Path(name), volume.Kind(info.Mode())),
			Mend: fmt.Sprintf("move it away: `mv %s %[1]s.away`; a file takes its place when it is needed", shell(dir.Path(name)))})
	}
	return found
}
