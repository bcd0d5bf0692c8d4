package service

import (
	"fmt"
	"strings"
	"time"

	"hermes/internal/profile"
)

// S6Error is what all errors of a manager's commands have in common, whichever manager it is (M7). Package servicetest checks that.
type S6Error interface {
	error
	s6Error()
}

// GatewayNotRegisteredError reports a profile without a slot (M7).
type GatewayNotRegisteredError struct{ Profile string }

func (e *GatewayNotRegisteredError) Error() string {
	return fmt.Sprintf("no such gateway '%s': register it with `hermes profile create %s` first, "+
		"or pass an existing profile name via `-p <name>`", e.Profile, e.Profile)
}

// NotRegisteredError reports a service that is no gateway and has no slot.
type NotRegisteredError struct{ Service ID }

func (e *NotRegisteredError) Error() string {
	return fmt.Sprintf("no such service '%s' under the supervisor", e.Service)
}

// NotRegistered returns the error for a service without a slot.
func NotRegistered(id ID) error {
	if name, ok := id.Profile(); ok {
		return &GatewayNotRegisteredError{name.String()}
	}
	return &NotRegisteredError{id}
}

// NotInstalledError reports a profile whose gateway no manager runs, on a host where others are installed as services.
type NotInstalledError struct{ Profile profile.Name }

func (e *NotInstalledError) Error() string {
	p := ""
	if !e.Profile.IsDefault() {
		p = " -p " + e.Profile.String()
	}
	return fmt.Sprintf("gateway '%s' is not installed as a service here: `hermes%s gateway install` installs it, "+
		"`hermes%s gateway run` runs it in the foreground", e.Profile, p, p)
}

// Unwrap returns *GatewayNotRegisteredError, which it is too.
func (e *NotInstalledError) Unwrap() error { return &GatewayNotRegisteredError{e.Profile.String()} }

// S6CommandError reports an s6 command that failed (M7).
type S6CommandError struct {
	Service  ID
	Action   string // start, stop, restart, ...
	Command  string // s6-svc, ...
	ExitCode int
	Stderr   string
}

func (e *S6CommandError) Error() string {
	return fmt.Sprintf("%s %s on '%s' failed (rc=%d): %s", e.Command, e.Action, e.Service, e.ExitCode, strings.TrimSpace(e.Stderr))
}

// CommandError reports a command that a manager other than s6 refused, or did not answer.
type CommandError struct {
	Manager string // hermes up, ...
	Service ID     // the zero ID if it is about no service
	Action  string // start, stop, restart, ...
	Reason  string
}

func (e *CommandError) Error() string {
	if e.Service == (ID{}) {
		return fmt.Sprintf("`%s` cannot %s: %s", e.Manager, e.Action, e.Reason)
	}
	return fmt.Sprintf("`%s` cannot %s '%s': %s", e.Manager, e.Action, e.Service, e.Reason)
}

// NotReadyError reports a service that was started and is not ready.
type NotReadyError struct {
	Service ID
	// Ended is true if the process ended; false if it runs and is not ready yet.
	Ended bool
	// ExitCode and Signal tell how it ended, as in Status.
	ExitCode int
	Signal   string
	// GaveUp is true if the manager will not start it again by itself.
	GaveUp bool
	// Waited is for how long its readiness was awaited.
	Waited time.Duration
}

func (e *NotReadyError) Error() string {
	var b strings.Builder
	switch {
	case !e.Ended:
		fmt.Fprintf(&b, "'%s' is not ready after %s", e.Service, e.Waited.Round(100*time.Millisecond))
	case e.Signal != "":
		fmt.Fprintf(&b, "'%s' was killed by %s before it was ready", e.Service, e.Signal)
	case e.ExitCode < 0: // the tally was cleared before it could be read
		fmt.Fprintf(&b, "'%s' ended before it was ready", e.Service)
	default:
		fmt.Fprintf(&b, "'%s' exited with code %d before it was ready", e.Service, e.ExitCode)
	}
	switch {
	case e.GaveUp:
		b.WriteString("; it stays down")
	case e.Ended:
		b.WriteString("; the supervisor tries again")
	}
	return b.String()
}

// NotDownError reports a service that was asked to stop and still runs.
type NotDownError struct {
	Service ID
	PID     int
	Waited  time.Duration
}

func (e *NotDownError) Error() string {
	return fmt.Sprintf("'%s' (pid %d) is not down after %s; it is told to stop and will be killed if it does not",
		e.Service, e.PID, e.Waited.Round(100*time.Millisecond))
}

// SelfError reports that a process of a gateway asked to stop or restart that gateway. The command would be killed with the gateway
// before it had finished, and a gateway that restarts itself can do so for ever.
type SelfError struct {
	Profile profile.Name
	Action  string // stop or restart
}

func (e *SelfError) Error() string {
	return fmt.Sprintf("gateway '%s' cannot %s itself: this command runs inside it and would end with it; "+
		"run `hermes -p %s gateway %s` from outside, such as from a terminal of `docker exec`", e.Profile, e.Action, e.Profile, e.Action)
}

// NotKeptError reports a gateway that was stopped, while the wish that it stays down could not be recorded.
type NotKeptError struct {
	Profile profile.Name
	// Down is true if it is down, false if it was told to stop and not waited for.
	Down bool
	Err  error // why it could not be recorded
}

func (e *NotKeptError) Error() string {
	is := "was told to stop"
	if e.Down {
		is = "is down"
	}
	return fmt.Sprintf("gateway '%s' %s, but that it is to stay down could not be recorded, so it may be started again at the next boot: %v; "+
		"when that is mended, `%s` records it", e.Profile, is, e.Err, StopCommand(e.Profile))
}

// Unwrap returns why.
func (e *NotKeptError) Unwrap() error { return e.Err }

func (*GatewayNotRegisteredError) s6Error() {}
func (*NotRegisteredError) s6Error()        {}
func (*NotInstalledError) s6Error()         {}
func (*S6CommandError) s6Error()            {}
func (*CommandError) s6Error()              {}
func (*NotReadyError) s6Error()             {}
func (*NotDownError) s6Error()              {}

// OverruledError reports that another command changed what is wanted of a gateway while this one was at work.
type OverruledError struct {
	Profile profile.Name
	Wanted  profile.DesiredState
}

func (e *OverruledError) Error() string {
	return fmt.Sprintf("another command wants gateway '%s' to be %s now: it was obeyed", e.Profile, e.Wanted)
}
