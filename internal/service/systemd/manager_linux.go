package systemd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"hermes/internal/profile"
	"hermes/internal/service"
	"hermes/internal/service/hosted"
	"hermes/internal/service/restart"
	"hermes/internal/volume"
)

// Manager drives the gateways of one home that are units of systemd.
type Manager struct {
	home, program, user string
	prefix              string
	scopes              []scope
	install             scope // for new units
	backoff             func(service.ID) restart.Rule
}

var _ service.Installer = (*Manager)(nil)

// New returns the manager of a home, or nil if this system does not run systemd.
func New(o hosted.Options) *Manager {
	if _, err := os.Lstat("/run/systemd/system"); err != nil { // sd_booted(3)
		return nil
	}
	m := &Manager{home: o.Home, program: o.Program, user: o.User, prefix: prefix, backoff: o.Backoff}
	if user, ok := userScope(o.Getenv); ok {
		m.scopes = append(m.scopes, user)
		m.install = user
	}
	m.scopes = append(m.scopes, systemScope())
	if o.System || m.install.dir == "" {
		m.install = systemScope()
	}
	if m.backoff == nil {
		store := profile.NewStore(o.Home)
		m.backoff = func(id service.ID) restart.Rule { return service.BackoffOf(store, id) }
	}
	return m
}

// Kind returns service.KindSystemd.
func (m *Manager) Kind() service.Kind { return service.KindSystemd }

// SupportsRegistration returns false, because a profile becomes a service only when somebody installs it.
func (m *Manager) SupportsRegistration() bool { return false }

// Installed reports whether a unit of this home is installed.
func (m *Manager) Installed(id service.ID) bool {
	_, err := m.find(id)
	return err == nil
}

// Foreign returns *hosted.ForeignError if there is a unit with the service's name in the place for new units, and it does not belong
// to this home.
func (m *Manager) Foreign(id service.ID) error {
	var foreign *hosted.ForeignError
	if err := m.owned(m.unitIn(m.install, id)); errors.As(err, &foreign) {
		return foreign
	}
	return nil
}

// Path returns the path of a service's unit, or the path that it would have.
func (m *Manager) Path(id service.ID) string {
	if u, err := m.find(id); err == nil {
		return u.path
	}
	return m.unitIn(m.install, id).path
}

// Any reports whether this home has any unit.
func (m *Manager) Any() bool {
	all, err := m.units()
	return err == nil && len(all) > 0
}

// Name says which systemd runs a service, or would run it.
func (m *Manager) Name(id service.ID) string {
	if u, err := m.find(id); err == nil {
		return u.scope.name
	}
	return m.install.name
}

// failed turns an error into one for people.
func failed(ctx context.Context, s scope, id service.ID, action string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s on '%s': %w", action, id, ctx.Err())
	}
	reason := err.Error()
	switch {
	case s.system && (errors.Is(err, fs.ErrPermission) || isBusError(err, "org.freedesktop.DBus.Error.AccessDenied",
		"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired")):
		reason = "services of the system are root's: use `sudo`, with HERMES_HOME as it is here"
	case !s.system && errors.Is(err, fs.ErrNotExist):
		reason = fmt.Sprintf("%s is not there: this user's systemd does not run; log in, or let it run always with `loginctl enable-linger`", s.socket)
	}
	return &service.CommandError{Manager: s.name, Service: id, Action: action, Reason: reason}
}

// with calls f with a connection to the systemd of an installed unit.
func (m *Manager) with(ctx context.Context, id service.ID, action string, f func(*bus, unit) error) error {
	u, err := m.find(id)
	if err != nil {
		return err
	}
	b, err := connect(ctx, u.socket, u.viaBus)
	defer b.close()
	if err == nil {
		err = f(b, u)
	}
	var ready *service.NotReadyError
	var down *service.NotDownError
	switch {
	case err == nil, errors.As(err, &ready), errors.As(err, &down):
		return err
	case ctx.Err() == nil && !m.Installed(id): // it was uninstalled meanwhile
		return service.NotRegistered(id)
	}
	return failed(ctx, u.scope, id, action, err)
}

// Register installs a unit, or updates an installed one in its place.
func (m *Manager) Register(ctx context.Context, spec service.Spec) error {
	s, user := m.install, m.user
	if u, err := m.find(spec.ID); err == nil {
		s = u.scope
	}
	return m.registerIn(ctx, s, user, spec)
}

func (m *Manager) registerIn(ctx context.Context, s scope, user string, spec service.Spec) error {
	u := m.unitIn(s, spec.ID)
	known := m.owned(u) == nil
	if err := m.write(ctx, u, user, spec); err != nil {
		var foreign *hosted.ForeignError
		if errors.As(err, &foreign) {
			return err
		}
		return failed(ctx, s, spec.ID, "install", err)
	}
	if spec.Up && !known {
		return m.Start(ctx, spec.ID, 0)
	}
	return nil
}

func (m *Manager) write(ctx context.Context, u unit, user string, spec service.Spec) error {
	if err := m.owned(u); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	b, err := connect(ctx, u.socket, u.viaBus)
	defer b.close()
	if err != nil {
		return err
	}
	version, err := b.version(ctx)
	if err != nil {
		return err
	}
	d := hosted.Definition{ID: spec.ID, Home: m.home, Program: m.program, Kind: service.KindSystemd, KillAfter: spec.KillAfter, Rule: m.backoff(spec.ID)}
	if d.KillAfter <= 0 {
		d.KillAfter = service.GatewaySpec(m.profileHome(spec.ID)).KillAfter
	}
	if u.system {
		if d.User = user; d.User == "" {
			d.User = installedUser(u)
		}
	}
	if err := d.Check(); err != nil {
		return err
	}
	text := unitFile(d, version)
	if old, err := volume.ReadPath(u.path, maxUnit); err == nil && string(old) == text {
		return nil
	}
	if err := os.MkdirAll(u.dir, 0o755); err != nil {
		return err
	}
	if err := volume.WritePath(u.path, []byte(text), 0o644); err != nil {
		return err
	}
	if err := b.manager(ctx, "Reload", nil); err != nil {
		return err
	}
	f, err := b.facts(ctx, u.name)
	if err == nil && f.path != u.path {
		err = fmt.Errorf("it does not read %s (but %q): is XDG_CONFIG_HOME another one here than for systemd?", u.path, f.path)
	}
	return err
}

func (m *Manager) profileHome(id service.ID) profile.Home {
	n, _ := id.Profile()
	return profile.NewStore(m.home).Home(n)
}

// installedUser returns the user as whom an installed unit runs.
func installedUser(u unit) string {
	data, err := volume.ReadPath(u.path, maxUnit)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if user, ok := strings.CutPrefix(line, "User="); ok {
			return strings.TrimSpace(user)
		}
	}
	return ""
}

// Move installs a unit in the place of another one, for the same user, and uninstalls that one.
func (m *Manager) Move(ctx context.Context, from service.ID, to service.Spec) error {
	u, err := m.find(from)
	if err != nil {
		return err
	}
	if err := m.registerIn(ctx, u.scope, installedUser(u), to); err != nil {
		return err
	}
	return m.Unregister(ctx, from)
}

// Unregister stops a service and removes its unit.
func (m *Manager) Unregister(ctx context.Context, id service.ID) error {
	return m.with(ctx, id, "uninstall", func(b *bus, u unit) error {
		f, err := b.facts(ctx, u.name)
		if err != nil {
			return err
		}
		limit := time.Duration(f.stopTimeout)*time.Microsecond + restart.StopMargin
		if err := m.stop(ctx, b, u, limit); err != nil {
			return err
		}
		// If several processes do this at once, only the one that removes the file has succeeded.
		if err := os.Remove(u.path); errors.Is(err, fs.ErrNotExist) {
			return service.NotRegistered(id)
		} else if err != nil {
			return err
		}
		os.Remove(u.path + ".d") // a directory that `systemctl edit` left, if it is empty
		if err := b.manager(ctx, "Reload", nil); err != nil {
			return err
		}
		if err := b.manager(ctx, "ResetFailedUnit", nil, u.name); !isBusError(err, noSuchUnit) {
			return err
		}
		return nil
	})
}

// Status returns what a service does now.
func (m *Manager) Status(ctx context.Context, id service.ID) (st service.Status, err error) {
	err = m.with(ctx, id, "look at", func(b *bus, u unit) error {
		f, err := b.facts(ctx, u.name)
		st = f.serviceStatus(id)
		st.Self = service.Inside(st.PID)
		return err
	})
	return st, err
}

// List returns the status of every installed unit of this home, ordered by name. A unit whose systemd does not answer is listed as
// down.
func (m *Manager) List(ctx context.Context) ([]service.Status, error) {
	units, err := m.units()
	if err != nil {
		return nil, fmt.Errorf("cannot list the units of %s: %w", m.home, err)
	}
	slices.SortFunc(units, func(a, b unit) int { return strings.Compare(a.id.String(), b.id.String()) })
	buses := map[string]*bus{}
	all := make([]service.Status, len(units))
	for i, u := range units {
		b := buses[u.socket]
		if b == nil {
			if b, err = connect(ctx, u.socket, u.viaBus); err != nil {
				b.c = nil
			}
			defer b.close()
			buses[u.socket] = b
		}
		all[i] = service.Status{ID: u.id, ExitCode: -1, Restarts: -1}
		if b.c == nil {
			continue
		}
		if f, err := b.facts(ctx, u.name); err == nil {
			all[i] = f.serviceStatus(u.id)
		}
	}
	return all, ctx.Err()
}
