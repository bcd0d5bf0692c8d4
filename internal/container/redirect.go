package container

import (
	"fmt"

	"hermes/internal/service"
)

// Redirect says whether `gateway run` leaves the gateway to the supervisor (M1 to M3).
type Redirect struct {
	// Kind is the service manager in charge.
	Kind service.Kind
	// Embedded says that the container's init runs the embedded supervisor.
	Embedded bool
	// NoSupervise says that the flag --no-supervise was given.
	NoSupervise bool
	Getenv      func(string) string
}

// SupervisedChild is the variable that a slot's run script sets. It guards against recursion.
const SupervisedChild = service.SupervisedChild

// OptOut is the variable that keeps `gateway run` in the foreground.
const OptOut = "HERMES_GATEWAY_NO_SUPERVISE"

// Applies checks the three gates. Each of them alone prevents the redirect.
func (r Redirect) Applies() bool {
	if !r.Detected() { // gate 1: detection
		return false
	}
	if r.Getenv(SupervisedChild) == "1" { // gate 2: recursion guard
		return false
	}
	if r.OptedOut() { // gate 3: opt-out
		return false
	}
	return true
}

// Detected reports whether a supervisor is in charge of this container. A `hermes up` on a host, or beside the other work of a
// container, does not count.
func (r Redirect) Detected() bool {
	return r.Kind == service.KindS6 || r.Kind == service.KindLocal && r.Embedded
}

// Breadcrumb returns the line that the redirect prints on stderr (M4).
func (r Redirect) Breadcrumb() string {
	under := "s6"
	if r.Kind == service.KindLocal {
		under = "embedded"
	}
	return fmt.Sprintf("▶ gateway now runs under %s supervision: a crash restarts it, and this container stays up. "+
		"To run it in the foreground instead, pass --no-supervise or set %s=1.", under, OptOut)
}

// OptedOut reports whether the user wants the gateway in the foreground.
func (r Redirect) OptedOut() bool { return r.NoSupervise || Strict(r.Getenv(OptOut)) }
