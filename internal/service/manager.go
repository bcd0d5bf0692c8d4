package service

import (
	"context"
	"time"
)

// Manager keeps services running. All methods are safe for concurrent use.
//
// Methods that name a service return *GatewayNotRegisteredError (or
// *NotRegisteredError for what is no gateway) if the manager does not know it, and
// *S6CommandError, or its like of another manager, if the manager refused.
type Manager interface {
	// Kind says which manager this is.
	Kind() Kind

	// SupportsRegistration reports whether every profile is to be registered as it is made. Where it is not, profiles are
	// services only if somebody installs them: see Installer.
	SupportsRegistration() bool

	// Register makes a service known, down unless spec.Up. Registering a known
	// service refreshes its definition and changes nothing about what runs.
	Register(ctx context.Context, spec Spec) error

	// Unregister stops a service and forgets it, without leftovers.
	Unregister(ctx context.Context, id ID) error

	// Start wants a service up and, if wait is over zero, returns when it is ready. If
	// it is not ready by then, or ended, the error is *NotReadyError; the
	// manager goes on trying unless the error says that it gave up.
	Start(ctx context.Context, id ID, wait time.Duration) error

	// Stop wants a service down and, if wait is over zero, returns when it is down. If
	// it is not down by then the error is *NotDownError.
	Stop(ctx context.Context, id ID, wait time.Duration) error

	// Restart ends a service and starts it anew; one that is down is started. Errors are
	// those of Start.
	Restart(ctx context.Context, id ID, wait time.Duration) error

	// Status tells what a service does now.
	Status(ctx context.Context, id ID) (Status, error)

	// List tells the same of every registered service, by name.
	List(ctx context.Context) ([]Status, error)
}

// Installer is a manager of a host, systemd or its like: a gateway is its service from when somebody installs it, which
// is Register, until somebody uninstalls it, which is Unregister.
type Installer interface {
	Manager

	// Installed reports whether a service of this home is installed.
	Installed(id ID) bool

	// Move installs a service in the way another one was, whose place it takes. Errors are those of Register
	// and Unregister.
	Move(ctx context.Context, from ID, to Spec) error

	// Name says what runs a service, as status prints it (M13).
	Name(id ID) string
}

// Spec defines a service.
type Spec struct {
	ID ID
	// Up starts the service as soon as it is registered, and with its supervisor.
	Up bool
	// KillAfter is how long the service may take to end when it is asked to, before it is killed.
	KillAfter time.Duration
}

// Status is what a manager knows of a service.
type Status struct {
	ID     ID   `json:"service"`
	Up     bool `json:"up"`
	Ready  bool `json:"ready"`
	WantUp bool `json:"want_up"`
	PID    int  `json:"pid,omitempty"`
	// Self is true if the process that asks belongs to the service, and would end with it. List leaves it out.
	Self bool `json:"-"`
	// For is how long the service has been up or down.
	For time.Duration `json:"-"`
	// ExitCode is that of the last run, if the service is down and ended by itself; else -1.
	ExitCode int `json:"exit_code"`
	// Signal names what killed the last run, such as SIGKILL; "" if nothing did.
	Signal string `json:"signal,omitempty"`
	// Restarts counts how often the manager started the service again since its slot was made or since it was last
	// started by hand; -1 if that was not looked up.
	Restarts int `json:"-"`
	// LastFailure is the last of its deaths in that time, as far as the manager keeps them; zero if there was none.
	LastFailure Death `json:"last_failure,omitzero"`
	// Backoff is true while the manager waits before it starts a failed service again.
	Backoff bool `json:"backoff,omitempty"`
	// Deciding is true while the manager decides what follows the end of a run.
	Deciding bool `json:"-"`
	// GaveUp says in words that the manager stopped trying, where the manager keeps that and not the profile's
	// state (RecordGaveUp).
	GaveUp string `json:"gave_up,omitempty"`
}
