package s6

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"hermes/internal/service"
	"hermes/internal/volume"
)

// Slots writes and lists the service directories of a scan directory. It needs no running
// s6: at boot the slots are written before the tree starts.
type Slots struct{ Dir string }

func (s Slots) path(id service.ID) string { return filepath.Join(s.Dir, id.String()) }

// hidden is where a slot is built and taken apart: s6-svscan skips names that start with
// a dot (scandir.html), so it never sees half a slot.
func (s Slots) hidden(id service.ID) string { return filepath.Join(s.Dir, "."+id.String()) }

// Has reports whether a service has a slot.
func (s Slots) Has(id service.ID) bool { return volume.IsDir(s.path(id)) == nil }

// List returns the services that have a slot, by name. Directories that are none of ours are left out.
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

// defaultKillAfter is timeout-kill where the spec says nothing.
const defaultKillAfter = 25 * time.Second

// Write makes a slot, or refreshes the definition of one that exists; whether that one is wanted
// up stays as it is. It reports whether the slot is new.
func (s Slots) Write(spec service.Spec) (created bool, err error) {
	if s.Has(spec.ID) {
		return false, s.fill(spec, s.path(spec.ID), true)
	}
	tmp := s.hidden(spec.ID)
	if err := os.RemoveAll(tmp); err != nil {
		return false, fmt.Errorf("cannot clear the way for '%s': %w", spec.ID, err)
	}
	for _, dir := range []string{tmp, filepath.Join(tmp, "data"), filepath.Join(tmp, "log")} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return false, fmt.Errorf("cannot make the slot of '%s': %w", spec.ID, err)
		}
	}
	if err := s.fill(spec, tmp, false); err != nil {
		return false, err
	}
	if err := os.Rename(tmp, s.path(spec.ID)); err != nil {
		return false, fmt.Errorf("cannot put the slot of '%s' in place: %w", spec.ID, err)
	}
	return true, nil
}

// fill writes the files of a slot (servicedir.html).
func (s Slots) fill(spec service.Spec, dir string, exists bool) error {
	kill := spec.KillAfter
	if kill <= 0 {
		kill = defaultKillAfter
	}
	type file struct {
		name, content string
		perm          fs.FileMode
	}
	files := []file{
		{"run", runScript(spec.ID), 0o755},
		{"finish", finishScript(spec.ID), 0o755},
		{"log/run", logScript(spec.ID), 0o755},
		{"notification-fd", strconv.Itoa(ReadyFD) + "\n", 0o644},
		{"timeout-kill", millis(kill) + "\n", 0o644},
		{"max-death-tally", strconv.Itoa(maxDeathTally) + "\n", 0o644},
	}
	if !exists && !spec.Up {
		files = append(files, file{"down", "", 0o644})
	}
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.name))
		var err error
		if exists {
			err = volume.WriteFile(path, []byte(f.content), f.perm)
		} else {
			err = os.WriteFile(path, []byte(f.content), f.perm)
		}
		if err != nil {
			return fmt.Errorf("cannot write the slot of '%s': %w", spec.ID, err)
		}
	}
	return nil
}

// Remove deletes a slot's directory. Nothing may supervise it any more.
func (s Slots) remove(id service.ID) error {
	if err := os.RemoveAll(s.hidden(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove the slot of '%s': %w", id, err)
	}
	return nil
}
