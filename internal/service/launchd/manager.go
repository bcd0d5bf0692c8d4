package launchd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hermes/internal/profile"
	"hermes/internal/service"
	"hermes/internal/service/hosted"
	"hermes/internal/service/restart"
	"hermes/internal/volume"
)

// launchctl runs the program launchctl (launchctl(1)).
type launchctl func(ctx context.Context, args ...string) (output string, code int, err error)

// Manager drives the gateways of one home that are jobs of launchd.
type Manager struct {
	home, program, user string
	store               *profile.Store
	run                 launchctl
	gone                func(ctx context.Context, pid int, wait time.Duration) bool // waits for the end of a process
	scopes              []jobScope
	install             jobScope
}

// jobScope says where jobs are: the user's, or the system's.
type jobScope struct {
	domain string // gui/501 or system
	dir    string
}

var _ service.Installer = (*Manager)(nil)

// noSuchJob is the exit code of launchctl for a job that launchd does not know.
const noSuchJob = 113

// Kind returns service.KindLaunchd.
func (m *Manager) Kind() service.Kind { return service.KindLaunchd }

// SupportsRegistration returns false, because a profile becomes a service only when somebody installs it.
func (m *Manager) SupportsRegistration() bool { return false }

// Name returns the manager's name.
func (m *Manager) Name(service.ID) string { return service.ManagerName(service.KindLaunchd, false) }

func (s jobScope) path(id service.ID) string {
	return filepath.Join(s.dir, label(hosted.Definition{ID: id})+".plist")
}

func (s jobScope) target(id service.ID) string {
	return s.domain + "/" + label(hosted.Definition{ID: id})
}

func (m *Manager) owned(path string) error {
	data, err := volume.ReadPath(path, maxJob)
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if home, ok := plistHome(data); err != nil || !ok || home != m.home {
		return &hosted.ForeignError{Unit: path, Home: home}
	}
	return nil
}

// maxJob limits the size of a job's file, in bytes; our jobs are far smaller.
const maxJob = 64 << 10

func (m *Manager) find(id service.ID) (jobScope, error) {
	for _, s := range m.scopes {
		if m.owned(s.path(id)) == nil {
			return s, nil
		}
	}
	return jobScope{}, service.NotRegistered(id)
}

// Installed reports whether a job of this home is installed.
func (m *Manager) Installed(id service.ID) bool {
	_, err := m.find(id)
	return err == nil
}

// Foreign returns *hosted.ForeignError if a job with the service's name exists and does not belong to this home.
func (m *Manager) Foreign(id service.ID) error {
	var foreign *hosted.ForeignError
	if err := m.owned(m.install.path(id)); errors.As(err, &foreign) {
		return foreign
	}
	return nil
}

// Path returns the path of a job's file, or the path that it would have.
func (m *Manager) Path(id service.ID) string {
	if s, err := m.find(id); err == nil {
		return s.path(id)
	}
	return m.install.path(id)
}

func (m *Manager) ids() (all []service.ID) {
	for _, s := range m.scopes {
		entries, _ := os.ReadDir(s.dir) // a directory that cannot be read has none of our jobs
		for _, e := range entries {
			name, ok := strings.CutPrefix(e.Name(), "hermes.")
			name, isJob := strings.CutSuffix(name, ".plist")
			if id, known := service.ParseID(name); ok && isJob && known && m.owned(s.path(id)) == nil && !slices.Contains(all, id) {
				all = append(all, id)
			}
		}
	}
	slices.SortFunc(all, func(a, b service.ID) int { return strings.Compare(a.String(), b.String()) })
	return all
}

// Any reports whether this home has any job.
func (m *Manager) Any() bool { return len(m.ids()) > 0 }

func (m *Manager) profileHome(id service.ID) profile.Home {
	n, _ := id.Profile()
	return m.store.Home(n)
}

// ctl runs launchctl on a job. If launchctl refuses, the error has its message.
func (m *Manager) ctl(ctx context.Context, id service.ID, action string, args ...string) error {
	out, code, err := m.run(ctx, args...)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s on '%s': %w", action, id, ctx.Err())
	case err != nil:
		return &service.CommandError{Manager: "launchctl", Service: id, Action: action, Reason: err.Error()}
	case code != 0:
		return &service.CommandError{Manager: "launchctl", Service: id, Action: action,
			Reason: fmt.Sprintf("%s ended with code %d: %s", args[0], code, strings.Join(strings.Fields(out), " "))}
	}
	return nil
}

// Register installs a job, or updates an installed one; launchd reads the new file at the next start.
func (m *Manager) Register(ctx context.Context, spec service.Spec) error {
	s := m.install
	if at, err := m.find(spec.ID); err == nil {
		s = at
	}
	return m.registerIn(ctx, s, spec)
}

func (m *Manager) registerIn(ctx context.Context, s jobScope, spec service.Spec) error {
	path := s.path(spec.ID)
	known := m.owned(path)
	if known != nil && !errors.Is(known, fs.ErrNotExist) {
		return known
	}
	d := hosted.Definition{ID: spec.ID, Home: m.home, Program: m.program, Kind: service.KindLaunchd, KillAfter: spec.KillAfter}
	if d.KillAfter <= 0 {
		d.KillAfter = m.killAfter(spec.ID)
	}
	if s.domain == systemDomain {
		d.User = m.user
	}
	err := d.Check()
	var text []byte
	if err == nil {
		text, err = render(d)
	}
	if err == nil {
		err = os.MkdirAll(s.dir, 0o755)
	}
	if err == nil {
		err = volume.WritePath(path, text, 0o644)
	}
	if err != nil {
		return &service.CommandError{Manager: "launchd", Service: spec.ID, Action: "install", Reason: err.Error()}
	}
	if spec.Up && known != nil {
		return m.Start(ctx, spec.ID, 0)
	}
	return nil
}

// Move installs a job in the place of another one and uninstalls that one.
func (m *Manager) Move(ctx context.Context, from service.ID, to service.Spec) error {
	s, err := m.find(from)
	if err != nil {
		return err
	}
	if err := m.registerIn(ctx, s, to); err != nil {
		return err
	}
	return m.Unregister(ctx, from)
}

// Unregister stops a job and removes it.
func (m *Manager) Unregister(ctx context.Context, id service.ID) error {
	s, err := m.find(id)
	if err != nil {
		return err
	}
	if err := m.Stop(ctx, id, m.killAfter(id)+restart.StopMargin); err != nil {
		return err
	}
	if err := os.Remove(s.path(id)); errors.Is(err, fs.ErrNotExist) {
		return service.NotRegistered(id)
	} else if err != nil {
		return &service.CommandError{Manager: "launchd", Service: id, Action: "uninstall", Reason: err.Error()}
	}
	return nil
}

// systemDomain is launchd's name for the domain of the system.
const systemDomain = "system"
