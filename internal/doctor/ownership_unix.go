//go:build unix

package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"hermes/internal/profile"
)

// checkOwnership looks at the files that hermes itself makes. What else lies on the volume may belong to anybody.
func checkOwnership(_ context.Context, e *examination) []Finding {
	root := e.Store.Root()
	var found []Finding
	add := func(label string, paths ...string) {
		if f, ok := e.strangers(label, paths); ok {
			found = append(found, f)
		}
	}
	logs := filepath.Join(root, "logs")
	add("", root, filepath.Join(root, "profiles"), logs, filepath.Join(logs, "gateways"), filepath.Join(logs, "container-boot.log"))
	for _, h := range e.homes() {
		add(h.Name.String(), knownFiles(h)...)
	}
	return found
}

func knownFiles(h profile.Home) []string {
	db := h.Database()
	return []string{
		h.Dir, h.Soul(), h.Config(), h.Env(), h.StateFile(), h.LockFile(), h.PIDFile(), h.ProcessesFile(),
		db, db + "-wal", db + "-shm", db + "-journal",
		h.LogDir(), filepath.Join(h.LogDir(), "current"), filepath.Join(h.LogDir(), "lock"), filepath.Join(h.LogDir(), "state"),
	}
}

// strangers makes one finding of all files in a list that belong to somebody else.
func (e *examination) strangers(label string, paths []string) (Finding, bool) {
	count, first := 0, ""
	for _, path := range paths {
		info, err := os.Lstat(path)
		if err != nil {
			continue
		}
		if shared := os.ModeSticky | 0o007; info.IsDir() && info.Mode()&shared == shared {
			continue // a new volume in a container that does not start as root: everybody's to use
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok || int(st.Uid) == e.UID && (e.GID < 0 || int(st.Gid) == e.GID) {
			continue
		}
		if e.OneUser && os.Geteuid() == e.UID && unix.Access(path, unix.R_OK|unix.W_OK) == nil {
			continue // a volume that is the group's, as Kubernetes' fsGroup makes it
		}
		if count++; count == 1 {
			first = fmt.Sprintf("%s belongs to %d:%d", path, st.Uid, st.Gid)
		}
	}
	if count == 0 {
		return Finding{}, false
	}
	f := Finding{Severity: Error, Profile: label, What: first + fmt.Sprintf(", not to uid %d", e.UID), Mend: e.chown()}
	if count > 1 {
		f.What += fmt.Sprintf(" (and %d more)", count-1)
	}
	if e.Root && e.GID >= 0 {
		f.fix = e.heal
	}
	return f, true
}

func (e *examination) chown() string {
	if e.OneUser {
		return fmt.Sprintf("this container cannot change owners: from outside, `docker run --rm --user 0 -v VOLUME:%s --entrypoint chown IMAGE -R %d:%d %[1]s`", e.Store.Root(), e.UID, e.GID)
	}
	if e.Image {
		return "restart the container: its boot sets this right; or `docker exec -e HERMES_DOCKER_EXEC_AS_ROOT=1 CONTAINER hermes doctor --fix`"
	}
	return fmt.Sprintf("`sudo chown -R %d %s`", e.UID, e.Store.Root())
}
