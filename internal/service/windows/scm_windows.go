package windows

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"

	"hermes/internal/service/hosted"
	"hermes/internal/service/restart"
)

// New returns the manager of a home.
func New(o hosted.Options) *Manager { return newManager(o, systemSCM{}) }

// systemSCM is the service control manager of this machine. Each call opens it with only the rights that the call needs.
type systemSCM struct{}

// told turns the errors of Windows that Manager tells apart into ours.
func told(err error) error {
	switch {
	case errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST), errors.Is(err, windows.ERROR_SERVICE_MARKED_FOR_DELETE):
		return errNoService
	case errors.Is(err, windows.ERROR_ACCESS_DENIED):
		return errDenied
	case errors.Is(err, windows.ERROR_SERVICE_ALREADY_RUNNING):
		return errRunning
	case errors.Is(err, windows.ERROR_SERVICE_NOT_ACTIVE):
		return errNotActive
	}
	return err
}

// control opens the service control manager with the given rights, and also a service if name is not "", and calls f.
func control(name string, manager, rights uint32, f func(*mgr.Mgr, *mgr.Service) error) error {
	h, err := windows.OpenSCManager(nil, nil, manager)
	if err != nil {
		return told(err)
	}
	c := &mgr.Mgr{Handle: h}
	defer func() { _ = c.Disconnect() }()
	if rights == 0 {
		return told(f(c, nil))
	}
	wide, err := syscall.UTF16PtrFromString(name)
	if err != nil {
		return err
	}
	sh, err := windows.OpenService(h, wide, rights)
	if err != nil {
		return told(err)
	}
	s := &mgr.Service{Name: name, Handle: sh}
	defer s.Close()
	return told(f(c, s))
}

// with opens a service and calls f.
func with(name string, rights uint32, f func(*mgr.Service) error) error {
	return control(name, windows.SC_MANAGER_CONNECT, rights, func(_ *mgr.Mgr, s *mgr.Service) error { return f(s) })
}

func (systemSCM) Names(prefix string) ([]string, error) {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, servicesKey, registry.ENUMERATE_SUB_KEYS)
	if err != nil {
		return nil, err
	}
	defer k.Close()
	names, err := k.ReadSubKeyNames(-1)
	if err != nil {
		return nil, err
	}
	var ours []string
	for _, n := range names {
		if strings.HasPrefix(n, prefix) {
			ours = append(ours, n)
		}
	}
	return ours, nil
}

func (systemSCM) Home(name string) (home string, ok bool) {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, servicesKey+`\`+name, registry.QUERY_VALUE)
	if err != nil {
		return "", false
	}
	defer k.Close()
	vars, _, _ := k.GetStringsValue("Environment") // a service that we did not make may have no environment
	for _, v := range vars {
		if home, found := strings.CutPrefix(v, "HERMES_HOME="); found {
			return home, true
		}
	}
	return "", true
}

func (systemSCM) Define(name string, d hosted.Definition, known bool) error {
	return control(name, windows.SC_MANAGER_CREATE_SERVICE|windows.SC_MANAGER_CONNECT, 0, func(c *mgr.Mgr, _ *mgr.Service) error {
		return define(c, name, d, known)
	})
}

// define writes the definition of a service: the program, its user, and what follows a failure.
func define(c *mgr.Mgr, name string, d hosted.Definition, known bool) error {
	if !known {
		// Do not run as the system's own account, which may do everything.
		s, err := c.CreateService(name, d.Program, mgr.Config{
			DisplayName: d.Title(), StartType: mgr.StartManual, ServiceStartName: `NT AUTHORITY\LocalService`,
		}, d.Args()...)
		if err != nil {
			return err
		}
		s.Close()
	}
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, servicesKey+`\`+name, registry.SET_VALUE)
	if err != nil {
		return err
	}
	defer k.Close()
	if err := k.SetStringsValue("Environment", d.Environment()); err != nil {
		return err
	}
	s, err := c.OpenService(name)
	if err != nil {
		return err
	}
	defer s.Close()
	recovery := restart.Windows(d.Rule)
	var actions []mgr.RecoveryAction
	for _, pause := range recovery.Pauses {
		actions = append(actions, mgr.RecoveryAction{Type: mgr.ServiceRestart, Delay: pause})
	}
	actions = append(actions, mgr.RecoveryAction{Type: mgr.NoAction})
	if err := s.SetRecoveryActions(actions, uint32(recovery.Reset.Seconds())); err != nil { //nolint:gosec // minutes
		return err
	}
	return s.SetRecoveryActionsOnNonCrashFailures(true)
}

func (systemSCM) Delete(name string) error {
	return with(name, windows.DELETE, func(s *mgr.Service) error { return s.Delete() })
}

func (systemSCM) StartAtBoot(name string, boot bool) error {
	kind := uint32(windows.SERVICE_DEMAND_START)
	if boot {
		kind = windows.SERVICE_AUTO_START
	}
	return with(name, windows.SERVICE_CHANGE_CONFIG, func(s *mgr.Service) error {
		return windows.ChangeServiceConfig(s.Handle, windows.SERVICE_NO_CHANGE, kind, windows.SERVICE_NO_CHANGE, nil, nil, nil, nil, nil, nil, nil)
	})
}

func (systemSCM) Start(name string) error {
	return with(name, windows.SERVICE_START, func(s *mgr.Service) error { return s.Start() })
}

func (systemSCM) Stop(name string) error {
	return with(name, windows.SERVICE_STOP, func(s *mgr.Service) error {
		_, err := s.Control(svc.Stop)
		return err
	})
}

func (systemSCM) Query(name string) (st scmState, err error) {
	err = with(name, windows.SERVICE_QUERY_STATUS, func(s *mgr.Service) error {
		q, err := s.Query()
		if err != nil {
			return err
		}
		st = scmState{phase: scmOther, pid: int(q.ProcessId), exitCode: int(q.Win32ExitCode)}
		if phase, ok := phases[q.State]; ok {
			st.phase = phase
		}
		switch {
		case q.ServiceSpecificExitCode != 0:
			st.exitCode = int(q.ServiceSpecificExitCode)
		case q.Win32ExitCode == uint32(windows.ERROR_SERVICE_NEVER_STARTED):
			st.exitCode = -1
		}
		return nil
	})
	return st, err
}

var phases = map[svc.State]scmPhase{
	svc.Stopped: scmStopped, svc.StartPending: scmStarting, svc.Running: scmRunning, svc.StopPending: scmStopping,
}

func (systemSCM) Process(pid int) (scmProcess, error) {
	h, err := windows.OpenProcess(windows.SYNCHRONIZE|windows.PROCESS_TERMINATE, false, uint32(pid)) //nolint:gosec // a process's number
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) {
		h, err = windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(pid)) //nolint:gosec // a process's number
	}
	return process(h), err
}

type process windows.Handle

func (p process) Gone(ctx context.Context, wait time.Duration) bool {
	for begun := time.Now(); ctx.Err() == nil; {
		left := min(wait-time.Since(begun), time.Second) // the wait in the kernel does not end when ctx ends
		if left <= 0 {
			return false
		}
		if e, err := windows.WaitForSingleObject(windows.Handle(p), uint32(left.Milliseconds())); err != nil || e == windows.WAIT_OBJECT_0 { //nolint:gosec // at most a second
			return true
		}
	}
	return false
}

func (p process) Kill() error { return windows.TerminateProcess(windows.Handle(p), 1) }

func (p process) Close() { _ = windows.CloseHandle(windows.Handle(p)) }
