package s6

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"hermes/internal/service"
	"hermes/internal/service/restart"
	"hermes/internal/volume"
)

// Slots writes and lists the service directories of a scan directory. It does not need s6 to run: at boot the slots are written
// before the tree starts.
type Slots struct{ Dir string }

func (s Slots) path(id service.ID) string { return filepath.Join(s.Dir, id.String()) }

// hide creates a directory in which a slot is built or taken apart. s6-svscan skips names that start with a dot (scandir.html), so
// it never sees an incomplete slot. The name is new each time, so that two processes that work on the same slot use different
// directories.
func (s Slots) hide(id service.ID) (string, error) {
	return os.MkdirTemp(s.Dir, "."+id.String()+".")
}

// Has reports whether a service has a slot.
func (s Slots) Has(id service.ID) bool { return volume.At(s.Dir).IsDir(id.String()) == nil }

// List returns the services that have a slot, ordered by name. It leaves out directories that we did not make.
func (s Slots) List() ([]service.ID, error) {
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return nil, fmt.Errorf("cannot list the services: %w", err)
	}
	var ids []service.ID
	for _, e := range entries {
		if id, ok := service.ParseID(e.Name()); ok && e.IsDir() {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// Write creates a slot, or updates the definition of an existing one; then it does not change whether the service is wanted up. It
// reports whether the slot is new.
func (s Slots) Write(spec service.Spec) (created bool, err error) {
	if s.Has(spec.ID) {
		return false, s.fill(spec, s.path(spec.ID), true)
	}
	tmp, err := s.hide(spec.ID)
	if err != nil {
		return false, fmt.Errorf("cannot make the slot of '%s': %w", spec.ID, err)
	}
	defer func() {
		if !created {
			os.RemoveAll(tmp)
		}
	}()
	if err := os.Chmod(tmp, 0o755); err != nil {
		return false, fmt.Errorf("cannot make the slot of '%s': %w", spec.ID, err)
	}
	for _, dir := range []string{"data", "log"} {
		if err := os.Mkdir(filepath.Join(tmp, dir), 0o755); err != nil {
			return false, fmt.Errorf("cannot make the slot of '%s': %w", spec.ID, err)
		}
	}
	if err := s.fill(spec, tmp, false); err != nil {
		return false, err
	}
	err = os.Rename(tmp, s.path(spec.ID))
	if err != nil && s.Has(spec.ID) { // another process created it first
		return false, s.fill(spec, s.path(spec.ID), true)
	}
	if err != nil {
		return false, fmt.Errorf("cannot put the slot of '%s' in place: %w", spec.ID, err)
	}
	s.countOOM()
	return true, nil
}

// fill writes the files of a slot (servicedir.html).
func (s Slots) fill(spec service.Spec, dir string, exists bool) error {
	type file struct {
		name, content string
		perm          fs.FileMode
	}
	files := []file{
		{"notification-fd", strconv.Itoa(service.ReadyFD) + "\n", 0o644},
		{"timeout-kill", millis(restart.KillAfter(spec.KillAfter)) + "\n", 0o644},
		{"timeout-finish", millis(finishTimeout) + "\n", 0o644},
		{"max-death-tally", strconv.Itoa(maxDeathTally) + "\n", 0o644},
	}
	if !exists && !spec.Up {
		files = append(files, file{"down", "", 0o644})
	}
	for name, content := range map[string]string{
		"run": runScript(spec.ID), "finish": finishScript(spec.ID), "log/run": logScript(spec.ID),
	} {
		if err := WriteScript(filepath.Join(dir, filepath.FromSlash(name)), content, exists); err != nil {
			return fmt.Errorf("cannot write the slot of '%s': %w", spec.ID, err)
		}
	}
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.name))
		var err error
		if exists {
			err = volume.WritePath(path, []byte(f.content), f.perm)
		} else {
			err = os.WriteFile(path, []byte(f.content), f.perm)
		}
		if err != nil {
			return fmt.Errorf("cannot write the slot of '%s': %w", spec.ID, err)
		}
	}
	return nil
}

// killAfter returns how long a slot's service may take to end, from the slot's timeout-kill.
func (s Slots) killAfter(id service.ID) time.Duration {
	data, err := volume.At(s.path(id)).ReadFile("timeout-kill", 32)
	if err != nil {
		return restart.DefaultKillAfter
	}
	ms, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 32)
	if err != nil || ms <= 0 {
		return restart.DefaultKillAfter
	}
	return time.Duration(ms) * time.Millisecond
}
