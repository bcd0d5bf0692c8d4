package container

import "hermes/internal/service"

// Redirect says whether `gateway run` hands over to the supervisor (M1 to M3).
type Redirect struct {
	// Kind is the service manager in charge.
	Kind service.Kind
	// NoSupervise is the flag --no-supervise.
	NoSupervise bool
	Getenv      func(string) string
}

// SupervisedChild is the variable that a slot's run script sets: the recursion guard.
const SupervisedChild = service.SupervisedChild

// OptOut is the variable that keeps `gateway run` in the foreground.
const OptOut = "HERMES_GATEWAY_NO_SUPERVISE"

// Breadcrumb is what the redirect says, on one line of stderr (M4).
const Breadcrumb = "▶ gateway now runs under s6 supervision: a crash restarts it, and this container stays up. " +
	"To run it in the foreground instead, pass --no-supervise or set HERMES_GATEWAY_NO_SUPERVISE=1."

// Applies checks the three gates. Each of them alone keeps the redirect from happening.
func (r Redirect) Applies() bool {
	if r.Kind != service.KindS6 { // gate 1: detection
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

// OptedOut reports whether the user asked for the foreground.
func (r Redirect) OptedOut() bool { return r.NoSupervise || Strict(r.Getenv(OptOut)) }
