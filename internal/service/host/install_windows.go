package host

import (
	"context"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
	"golang.org/x/sys/windows/svc/mgr"

	"hermes/internal/service"
)

// Register installs a service, or brings an installed one up to date.
func (m *Manager) Register(ctx context.Context, spec service.Spec) error {
	if err := m.Foreign(spec.ID); err != nil {
		return err
	}
	known := m.Installed(spec.ID)
	d := definition{id: spec.ID, home: m.home, program: m.program, kind: service.KindWindows, killAfter: spec.KillAfter, rule: m.backoff(spec.ID)}
	err := d.check()
	if err == nil {
		err = m.control(spec.ID, windows.SC_MANAGER_CREATE_SERVICE|windows.SC_MANAGER_CONNECT, 0, func(c *mgr.Mgr, _ *mgr.Service) error {
			return define(c, d, known)
		})
	}
	if err != nil {
		return failed(ctx, spec.ID, "install", err)
	}
	if spec.Up && !known {
		return m.Start(ctx, spec.ID, 0)
	}
	return nil
}

// define writes a definition: what runs, as whom, and what follows a failure.
func define(c *mgr.Mgr, d definition, known bool) error {
	name := serviceName(d.id)
	if !known {
		// Not the system's own account, which may do everything.
		s, err := c.CreateService(name, d.program, mgr.Config{
			DisplayName: d.title(), StartType: mgr.StartManual, ServiceStartName: `NT AUTHORITY\LocalService`,
		}, d.args()...)
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
	if err := k.SetStringsValue("Environment", d.environment()); err != nil {
		return err
	}
	s, err := c.OpenService(name)
	if err != nil {
		return err
	}
	defer s.Close()
	var actions []mgr.RecoveryAction
	for i, delay := 1, d.rule.First; i < d.rule.Limit; i++ { // after the last one nothing follows: it is given up
		actions = append(actions, mgr.RecoveryAction{Type: mgr.ServiceRestart, Delay: delay})
		delay = min(2*delay, d.rule.Max)
	}
	actions = append(actions, mgr.RecoveryAction{Type: mgr.NoAction})
	if err := s.SetRecoveryActions(actions, uint32(d.rule.Window.Seconds())); err != nil { //nolint:gosec // minutes
		return err
	}
	return s.SetRecoveryActionsOnNonCrashFailures(true)
}

// Move installs a service and uninstalls the one that it takes the place of.
func (m *Manager) Move(ctx context.Context, from service.ID, to service.Spec) error {
	if err := m.Register(ctx, to); err != nil {
		return err
	}
	return m.Unregister(ctx, from)
}
