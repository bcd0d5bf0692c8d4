//go:build unix

package doctor

import (
	"context"
	"fmt"
	"os"

	"hermes/internal/profile"
	"hermes/internal/volume"
)

// checkOwnership looks at the files that hermes itself makes. Other files on the volume may belong to anybody.
func checkOwnership(_ context.Context, e *examination) []Finding {
	files := e.Store.Files()
	var found []Finding
	add := func(label string, some ...place) {
		if f, ok := e.strangers(label, some); ok {
			found = append(found, f)
		}
	}
	add("", place{files, []string{".", "profiles", "logs", "logs/gateways", "logs/container-boot.log"}})
	for _, h := range e.homes() {
		add(h.Name.String(), place{h.Files(), homeNames}, place{h.Logs(), logNames})
	}
	return found
}

// place is a directory with the names to look at in it.
type place struct {
	dir   volume.Dir
	names []string
}

var (
	homeNames = []string{
		".", profile.SoulName, profile.ConfigName, profile.EnvName, profile.OwnEnvName, profile.StateName, profile.LockName, profile.PIDName, profile.ProcessesName,
		profile.DatabaseName, profile.DatabaseName + "-wal", profile.DatabaseName + "-shm", profile.DatabaseName + "-journal",
	}
	logNames = []string{".", "current", "lock", "state"}
)

// strangers makes one finding for all files that belong to somebody else.
func (e *examination) strangers(label string, places []place) (Finding, bool) {
	count, first := 0, ""
	for _, p := range places {
		for _, name := range p.names {
			info, err := p.dir.Stat(name)
			if err != nil {
				continue
			}
			if shared := os.ModeSticky | 0o007; info.IsDir() && info.Mode()&shared == shared {
				continue // a new volume in a container that does not start as root, which everybody may use
			}
			uid, gid := info.Owner()
			if uid == e.UID && (e.GID < 0 || gid == e.GID) {
				continue
			}
			if e.OneUser && os.Geteuid() == e.UID && p.dir.Accessible(name) {
				continue // a volume that belongs to the group, as Kubernetes makes it with fsGroup
			}
			if count++; count == 1 {
				first = fmt.Sprintf("%s belongs to %d:%d", p.dir.Path(name), uid, gid)
			}
		}
	}
	if count == 0 {
		return Finding{}, false
	}
	f := Finding{Severity: Error, Profile: label, What: first + fmt.Sprintf(", not to uid %d", e.UID), Mend: e.chown()}
	if count > 1 {
		f.What += fmt.Sprintf(" (and %d more)", count-1)
	}
	return f, true
}

func (e *examination) chown() string {
	if e.OneUser {
		return fmt.Sprintf("this container cannot change owners: from outside, `docker run --rm --user 0 -v VOLUME:%s --entrypoint chown IMAGE -R %d:%d %[1]s`", shell(e.Store.Root()), e.UID, e.GID)
	}
	if e.Image {
		return "restart the container: its boot sets this right; or `docker exec -e HERMES_DOCKER_EXEC_AS_ROOT=1 CONTAINER hermes doctor --fix`"
	}
	return fmt.Sprintf("`sudo chown -R %d %s`", e.UID, shell(e.Store.Root()))
}
