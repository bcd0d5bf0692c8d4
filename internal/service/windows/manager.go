package windows

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hermes/internal/profile"
	"hermes/internal/service"
	"hermes/internal/service/hosted"
	"hermes/internal/service/restart"
)

// servicesKey is the registry key in which Windows keeps the definitions of services, with their environment.
const servicesKey = `SYSTEM\CurrentControlSet\Services`

// scm is the service control manager of Windows, with the calls that Manager needs. The errors that Manager tells apart are defined
// below.
type scm interface {
	// Names returns the names of all services that begin with a prefix.
	Names(prefix string) ([]string, error)
	// Home returns HERMES_HOME from a service's environment. ok is false if there is no such service.
	Home(name string) (home string, ok bool)
	// Define writes the definition of a service. known says that the service exists.
	Define(name string, d hosted.Definition, known bool) error
	// Delete removes a service.
	Delete(name string) error
	// StartAtBoot says whether a service starts at boot.
	StartAtBoot(name string, boot bool) error
	// Start starts a service. It returns errRunning if the service runs or is still ending.
	Start(name string) error
	// Stop tells a service to end. It returns errNotActive if the service does not run.
	Stop(name string) error
	// Query returns what a service does now.
	Query(name string) (scmState, error)
	// Process opens a process. An error means that no process has that pid.
	Process(pid int) (scmProcess, error)
}

// scmProcess is a process that was opened while it ran. The handle stays valid even if its pid is given to another process later.
type scmProcess interface {
	// Gone waits for the end of the process and reports whether it has ended.
	Gone(ctx context.Context, wait time.Duration) bool
	Kill() error
	Close()
}

// scmState is what the service control manager tells about a service.
type scmState struct {
	phase    scmPhase
	pid      int
	exitCode int // of the last run; -1 if there was none
}

type scmPhase int

const (
	scmStopped scmPhase = iota
	scmStarting
	scmRunning
	scmStopping
	scmOther // paused, pausing or continuing, which our services never are
)

var (
	errNoService = errors.New("the service is not there")
	errDenied    = errors.New("access is denied")
	errRunning   = errors.New("the service runs already")
	errNotActive = errors.New("the service does not run")
)

// Manager drives the gateways of one home that are Windows services.
type Manager struct {
	home, program string
	store         *profile.Store
	backoff       func(service.ID) restart.Rule
	scm           scm
}

var _ service.Installer = (*Manager)(nil)

func newManager(o hosted.Options, c scm) *Manager {
	m := &Manager{home: o.Home, program: o.Program, store: profile.NewStore(o.Home), backoff: o.Backoff, scm: c}
	if m.backoff == nil {
		m.backoff = func(id service.ID) restart.Rule { return service.BackoffOf(m.store, id) }
	}
	return m
}

// Kind returns service.KindWindows.
func (m *Manager) Kind() service.Kind { return service.KindWindows }

// SupportsRegistration returns false, because a profile becomes a service only when somebody installs it.
func (m *Manager) SupportsRegistration() bool { return false }

// Name returns the manager's name.
func (m *Manager) Name(service.ID) string { return service.ManagerName(service.KindWindows, false) }

// servicePrefix is how the names of our services begin: hermes-gateway-coder.
const servicePrefix = "hermes-"

func serviceName(id service.ID) string { return servicePrefix + id.String() }

// Path returns the registry path of a service's definition.
func (m *Manager) Path(id service.ID) string { return `HKLM\` + servicesKey + `\` + serviceName(id) }

// Installed reports whether a service of this home is installed.
func (m *Manager) Installed(id service.ID) bool {
	home, ok := m.scm.Home(serviceName(id))
	return ok && home == m.home
}

// Foreign returns *hosted.ForeignError if a service with that name exists and does not belong to this home.
func (m *Manager) Foreign(id service.ID) error {
	if home, ok := m.scm.Home(serviceName(id)); ok && home != m.home {
		return &hosted.ForeignError{Unit: m.Path(id), Home: home}
	}
	return nil
}

func (m *Manager) ids() ([]service.ID, error) {
	names, err := m.scm.Names(servicePrefix)
	if err != nil {
		return nil, err
	}
	var all []service.ID
	for _, n := range names {
		name, ours := strings.CutPrefix(n, servicePrefix)
		if id, ok := service.ParseID(name); ours && ok && m.Installed(id) {
			all = append(all, id)
		}
	}
	slices.SortFunc(all, func(a, b service.ID) int { return strings.Compare(a.String(), b.String()) })
	return all, nil
}

// Any reports whether this home has any service.
func (m *Manager) Any() bool {
	all, err := m.ids()
	return err == nil && len(all) > 0
}

func (m *Manager) profileHome(id service.ID) profile.Home {
	n, _ := id.Profile()
	return m.store.Home(n)
}

// on calls act with the name of a service of this home, and turns an error into one for people.
func (m *Manager) on(ctx context.Context, id service.ID, action string, act func(name string) error) error {
	if !m.Installed(id) {
		return service.NotRegistered(id)
	}
	return m.failed(ctx, id, action, act(serviceName(id)))
}

func (m *Manager) failed(ctx context.Context, id service.ID, action string, err error) error {
	var ready *service.NotReadyError
	var down *service.NotDownError
	switch {
	case err == nil, errors.As(err, &ready), errors.As(err, &down):
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("%s on '%s': %w", action, id, ctx.Err())
	case errors.Is(err, errNoService):
		return service.NotRegistered(id)
	}
	reason := err.Error()
	if errors.Is(err, errDenied) {
		reason = "Windows services are the administrator's: use a terminal that runs as one"
	}
	return &service.CommandError{Manager: "Windows services", Service: id, Action: action, Reason: reason}
}

// Register installs a service, or updates an installed one.
func (m *Manager) Register(ctx context.Context, spec service.Spec) error {
	if err := m.Foreign(spec.ID); err != nil {
		return err
	}
	known := m.Installed(spec.ID)
	d := hosted.Definition{ID: spec.ID, Home: m.home, Program: m.program, Kind: service.KindWindows, KillAfter: spec.KillAfter, Rule: m.backoff(spec.ID)}
	err := d.Check()
	if err == nil {
		err = m.scm.Define(serviceName(spec.ID), d, known)
	}
	if err != nil {
		return m.failed(ctx, spec.ID, "install", err)
	}
	if spec.Up && !known {
		return m.Start(ctx, spec.ID, 0)
	}
	return nil
}

// Unregister stops a service and removes it.
func (m *Manager) Unregister(ctx context.Context, id service.ID) error {
	if err := m.Stop(ctx, id, m.limit(id)); err != nil {
		return err
	}
	return m.on(ctx, id, "uninstall", m.scm.Delete)
}

// Move installs a service and uninstalls the one that it replaces.
func (m *Manager) Move(ctx context.Context, from service.ID, to service.Spec) error {
	if err := m.Register(ctx, to); err != nil {
		return err
	}
	return m.Unregister(ctx, from)
}

// Status returns what a service does now.
func (m *Manager) Status(ctx context.Context, id service.ID) (st service.Status, err error) {
	err = m.on(ctx, id, "look at", func(name string) error {
		q, err := m.scm.Query(name)
		if err != nil {
			return err
		}
		st = service.Status{ID: id, PID: q.pid, Up: q.pid != 0, ExitCode: -1, Restarts: -1, Self: service.Inside(q.pid)}
		st.WantUp = q.phase == scmRunning || q.phase == scmStarting
		file, _ := profile.ReadState(m.profileHome(id)) // a state that cannot be read counts as empty
		st.Ready = st.WantUp && hosted.Serves(file, st.PID)
		if st.Up && file.PID == st.PID && file.StartTime > 0 {
			st.For = max(0, time.Since(time.Unix(file.StartTime, 0)))
		}
		if !st.Up {
			st.ExitCode = q.exitCode
		}
		return nil
	})
	return st, err
}

// List returns the status of every installed service of this home, ordered by name.
func (m *Manager) List(ctx context.Context) ([]service.Status, error) {
	ids, err := m.ids()
	if err != nil {
		return nil, fmt.Errorf("cannot list the Windows services: %w", err)
	}
	all := make([]service.Status, len(ids))
	for i, id := range ids {
		if all[i], err = m.Status(ctx, id); err != nil {
			all[i] = service.Status{ID: id, ExitCode: -1, Restarts: -1}
		}
	}
	return all, ctx.Err()
}
