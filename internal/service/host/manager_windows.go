package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"

	"hermes/internal/profile"
	"hermes/internal/service"
)

// servicesKey is where Windows keeps the definitions of services, the environment of each among them.
const servicesKey = `SYSTEM\CurrentControlSet\Services`

// Manager drives the gateways of one home that are Windows services.
type Manager struct {
	home, program string
	store         *profile.Store
	backoff       func(service.ID) service.Backoff
}

var _ service.Installer = (*Manager)(nil)

// New returns the manager of a home.
func New(o Options) *Manager {
	m := &Manager{home: o.Home, program: o.Program, store: profile.NewStore(o.Home), backoff: o.Backoff}
	if m.backoff == nil {
		m.backoff = func(id service.ID) service.Backoff { return service.BackoffOf(m.store, id) }
	}
	return m
}

// Lingers returns true: a Windows service is the system's.
func Lingers(string) bool { return true }

// Kind returns service.KindWindows.
func (m *Manager) Kind() service.Kind { return service.KindWindows }

// SupportsRegistration returns false: a profile becomes a service where somebody installs it.
func (m *Manager) SupportsRegistration() bool { return false }

// Name names the manager.
func (m *Manager) Name(service.ID) string { return service.ManagerName(service.KindWindows, false) }

func serviceName(id service.ID) string { return prefix + id.String() }

// Path returns where the service is defined.
func (m *Manager) Path(id service.ID) string { return `HKLM\` + servicesKey + `\` + serviceName(id) }

// homeOf reads whose a service is. ok is false if there is none of the name.
func homeOf(name string) (home string, ok bool) {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, servicesKey+`\`+name, registry.QUERY_VALUE)
	if err != nil {
		return "", false
	}
	defer k.Close()
	vars, _, _ := k.GetStringsValue("Environment") // a service that we did not make may have none
	for _, v := range vars {
		if home, found := strings.CutPrefix(v, "HERMES_HOME="); found {
			return home, true
		}
	}
	return "", true
}

// Installed reports whether a service of this home is installed.
func (m *Manager) Installed(id service.ID) bool {
	home, ok := homeOf(serviceName(id))
	return ok && home == m.home
}

// Foreign returns *ForeignError if a service of that name is there and is not this home's.
func (m *Manager) Foreign(id service.ID) error {
	if home, ok := homeOf(serviceName(id)); ok && home != m.home {
		return &ForeignError{m.Path(id), home}
	}
	return nil
}

func (m *Manager) ids() ([]service.ID, error) {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, servicesKey, registry.ENUMERATE_SUB_KEYS)
	if err != nil {
		return nil, err
	}
	defer k.Close()
	names, err := k.ReadSubKeyNames(-1)
	if err != nil {
		return nil, err
	}
	var all []service.ID
	for _, n := range names {
		name, ours := strings.CutPrefix(n, prefix)
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

func failed(ctx context.Context, id service.ID, action string, err error) error {
	var ready *service.NotReadyError
	var down *service.NotDownError
	switch {
	case err == nil, errors.As(err, &ready), errors.As(err, &down):
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("%s on '%s': %w", action, id, ctx.Err())
	case errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST), errors.Is(err, windows.ERROR_SERVICE_MARKED_FOR_DELETE):
		return service.NotRegistered(id)
	}
	reason := err.Error()
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) {
		reason = "Windows services are the administrator's: use a terminal that runs as one"
	}
	return &service.CommandError{Manager: "Windows services", Service: id, Action: action, Reason: reason}
}

// control opens the service control manager with rights, and a service of this home if one is named.
func (m *Manager) control(id service.ID, manager, rights uint32, f func(*mgr.Mgr, *mgr.Service) error) error {
	h, err := windows.OpenSCManager(nil, nil, manager)
	if err != nil {
		return err
	}
	c := &mgr.Mgr{Handle: h}
	defer func() { _ = c.Disconnect() }()
	if rights == 0 {
		return f(c, nil)
	}
	if !m.Installed(id) {
		return windows.ERROR_SERVICE_DOES_NOT_EXIST
	}
	name, err := syscall.UTF16PtrFromString(serviceName(id))
	if err != nil {
		return err
	}
	sh, err := windows.OpenService(h, name, rights)
	if err != nil {
		return err
	}
	s := &mgr.Service{Name: serviceName(id), Handle: sh}
	defer s.Close()
	return f(c, s)
}

// Unregister stops a service and removes it.
func (m *Manager) Unregister(ctx context.Context, id service.ID) error {
	if err := m.Stop(ctx, id, service.GatewaySpec(m.profileHome(id)).KillAfter+10*time.Second); err != nil {
		return err
	}
	return failed(ctx, id, "uninstall", m.control(id, windows.SC_MANAGER_CONNECT, windows.DELETE, func(_ *mgr.Mgr, s *mgr.Service) error {
		return s.Delete()
	}))
}

// startType makes a service start at boot, or not.
func startType(s *mgr.Service, boot uint32) error {
	return windows.ChangeServiceConfig(s.Handle, windows.SERVICE_NO_CHANGE, boot, windows.SERVICE_NO_CHANGE, nil, nil, nil, nil, nil, nil, nil)
}

const changeRights = windows.SERVICE_QUERY_STATUS | windows.SERVICE_START | windows.SERVICE_STOP | windows.SERVICE_CHANGE_CONFIG

// Start wants a service up, now and at every boot.
func (m *Manager) Start(ctx context.Context, id service.ID, wait time.Duration) error {
	return m.start(ctx, id, "start", wait)
}

func (m *Manager) start(ctx context.Context, id service.ID, action string, wait time.Duration) error {
	begun := time.Now()
	return failed(ctx, id, action, m.control(id, windows.SC_MANAGER_CONNECT, changeRights, func(_ *mgr.Mgr, s *mgr.Service) error {
		if err := startType(s, windows.SERVICE_AUTO_START); err != nil {
			return err
		}
		if err := s.Start(); err != nil && !errors.Is(err, windows.ERROR_SERVICE_ALREADY_RUNNING) {
			return err
		}
		if wait <= 0 {
			return nil
		}
		return awaitState(ctx, m.profileHome(id), begun.Add(wait), func(st profile.State, late bool) (bool, error) {
			q, err := s.Query()
			switch {
			case err != nil:
				return true, err
			case serves(st, int(q.ProcessId)):
				return true, nil
			case q.State == svc.Stopped:
				return true, &service.NotReadyError{Service: id, Ended: true, ExitCode: exitOf(q), GaveUp: st.Gateway == profile.StateStartupFailed, Waited: time.Since(begun)}
			case late:
				return true, &service.NotReadyError{Service: id, ExitCode: -1, Waited: time.Since(begun)}
			}
			return false, nil
		})
	}))
}

func exitOf(q svc.Status) int {
	if q.ServiceSpecificExitCode != 0 {
		return int(q.ServiceSpecificExitCode)
	}
	return int(q.Win32ExitCode)
}

// Stop wants a service down, now and at every boot.
func (m *Manager) Stop(ctx context.Context, id service.ID, wait time.Duration) error {
	begun := time.Now()
	return failed(ctx, id, "stop", m.control(id, windows.SC_MANAGER_CONNECT, changeRights, func(_ *mgr.Mgr, s *mgr.Service) error {
		if err := startType(s, windows.SERVICE_DEMAND_START); err != nil {
			return err
		}
		q, err := s.Query()
		if err != nil || q.State == svc.Stopped {
			return err
		}
		// The handle comes before the order: the process may be gone after it.
		p, perr := windows.OpenProcess(windows.SYNCHRONIZE, false, q.ProcessId)
		if perr == nil {
			defer func() { _ = windows.CloseHandle(p) }()
		}
		if _, err := s.Control(svc.Stop); err != nil && !errors.Is(err, windows.ERROR_SERVICE_NOT_ACTIVE) {
			return err
		}
		if wait <= 0 || perr != nil {
			return nil
		}
		for ctx.Err() == nil {
			left := min(wait-time.Since(begun), time.Second) // a wait in the kernel does not see ctx
			if left <= 0 {
				return &service.NotDownError{Service: id, PID: int(q.ProcessId), Waited: time.Since(begun)}
			}
			if e, err := windows.WaitForSingleObject(p, uint32(left.Milliseconds())); err != nil || e == windows.WAIT_OBJECT_0 { //nolint:gosec // at most a second
				return err
			}
		}
		return ctx.Err()
	}))
}

// Restart ends a service and starts it anew.
func (m *Manager) Restart(ctx context.Context, id service.ID, wait time.Duration) error {
	begun := time.Now()
	if err := m.Stop(ctx, id, max(wait, time.Second)); err != nil {
		return err
	}
	if wait > 0 {
		wait = max(time.Second, wait-time.Since(begun))
	}
	return m.start(ctx, id, "restart", wait)
}

// Status tells what a service does now.
func (m *Manager) Status(ctx context.Context, id service.ID) (st service.Status, err error) {
	err = failed(ctx, id, "look at", m.control(id, windows.SC_MANAGER_CONNECT, windows.SERVICE_QUERY_STATUS, func(_ *mgr.Mgr, s *mgr.Service) error {
		q, err := s.Query()
		if err != nil {
			return err
		}
		st = service.Status{ID: id, PID: int(q.ProcessId), Up: q.ProcessId != 0, ExitCode: -1, Restarts: -1}
		st.WantUp = q.State == svc.Running || q.State == svc.StartPending
		file, _ := profile.ReadState(m.profileHome(id)) // one that cannot be read says nothing
		st.Ready = st.WantUp && serves(file, st.PID)
		if st.Up && file.PID == st.PID && file.StartTime > 0 {
			st.For = max(0, time.Since(time.Unix(file.StartTime, 0)))
		}
		if !st.Up && q.Win32ExitCode != uint32(windows.ERROR_SERVICE_NEVER_STARTED) {
			st.ExitCode = exitOf(q)
		}
		return nil
	}))
	return st, err
}

// List tells the same of every installed service of this home, by name.
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
