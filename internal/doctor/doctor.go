package doctor

import (
	"context"
	"fmt"
	"time"

	"hermes/internal/profile"
	"hermes/internal/service"
)

// Severity says how bad a finding is.
type Severity string

// The severities. A note means that nothing is wrong.
const (
	Error   Severity = "error"   // something does not work
	Warning Severity = "warning" // something will not work later, or is not safe
	Note    Severity = "note"
)

// Finding is one thing that a check found.
type Finding struct {
	Check    string   `json:"check"`
	Severity Severity `json:"severity"`
	Profile  string   `json:"profile,omitempty"`
	What     string   `json:"what"`
	// Mend says what to do about it, with the command to type.
	Mend string `json:"mend,omitempty"`
	// Fixable is true if Fix can mend it.
	Fixable bool `json:"fixable,omitempty"`
	// Fixed says what Fix did.
	Fixed string `json:"fixed,omitempty"`
	// FixError says why Fix failed.
	FixError string `json:"fix_error,omitempty"`

	fix func(context.Context) (did string, err error)
}

// Wrong reports whether the finding is a problem that is not fixed.
func (f Finding) Wrong() bool { return f.Severity != Note && f.Fixed == "" }

// Options says what is examined.
type Options struct {
	Store  *profile.Store
	Getenv func(string) string
	// Manager is the service manager of the gateways; nil if there is none.
	Manager service.Manager
	// Scandir is where the supervisor of an image looks for slots.
	Scandir string
	// Image says that this is our container image. Container says that this is any container. Embedded says that this container's
	// init runs the embedded supervisor.
	Image, Container, Embedded bool
	// Dashboard says that the environment asks for the dashboard.
	Dashboard bool
	// Ask sends a request to a gateway that should serve. Its error says why the gateway does not answer. nil asks no gateway.
	Ask func(context.Context, profile.Home) error
	// OneUser says that the whole container runs as one user who is not root.
	OneUser bool
	// UID and GID are who the files should belong to. GID -1 accepts any group.
	UID, GID int
}

// check is one of the checks.
type check struct {
	name string
	run  func(context.Context, *examination) []Finding
}

// ownershipCheck is the name of the check whose findings Heal mends.
const ownershipCheck = "ownership"

var checks = []check{
	{"volume", checkVolume},
	{ownershipCheck, checkOwnership},
	{"profiles", checkProfiles},
	{"files", checkFiles},
	{"databases", checkDatabases},
	{"ports", checkPorts},
	{"sessions", checkSessions},
	{"s6", checkS6},
	{"slots", checkSlots},
	{"boot", checkBoot},
	{"gateways", checkGateways},
	{"dashboard", checkDashboard},
	{"log locks", checkLogLocks},
	{"another program", checkOtherProgram},
}

// Names returns the names of the checks, in order.
func Names() []string {
	var names []string
	for _, c := range checks {
		names = append(names, c.name)
	}
	return names
}

// patience is how long a check may take. Reading a thousand profiles takes a second; on a network mount whose server is gone,
// reading never ends.
const patience = 20 * time.Second

// Run runs all checks concurrently and returns their findings in the order of the checks.
func Run(ctx context.Context, o Options) []Finding { return run(ctx, o, checks, patience) }

func run(ctx context.Context, o Options, checks []check, patience time.Duration) []Finding {
	results := make([]chan []Finding, len(checks))
	for i, c := range checks {
		results[i] = make(chan []Finding, 1)
		go func() { results[i] <- c.guarded(ctx, o) }()
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	over := false
	var all []Finding
	for i, c := range checks {
		var found []Finding
		done := false
		if !over {
			select {
			case found = <-results[i]:
				done = true
			case <-timeout.C:
				over = true
			case <-ctx.Done():
				over = true
			}
		}
		if over && !done {
			select {
			case found = <-results[i]:
			default:
				found = []Finding{{Severity: Error, What: fmt.Sprintf("this check did not finish within %s: a file system may hang", patience),
					Mend: "look at the mounts below " + o.Store.Root()}}
			}
		}
		for _, f := range found {
			f.Check = c.name
			f.Fixable = f.fix != nil
			all = append(all, f)
		}
	}
	return all
}

// guarded turns a panic of a check into a finding.
func (c check) guarded(ctx context.Context, o Options) (found []Finding) {
	defer func() {
		if r := recover(); r != nil {
			found = append(found, Finding{Severity: Error, What: fmt.Sprintf("this check broke off: %v", r), Mend: "this is a mistake in hermes: report it"})
		}
	}()
	return c.run(ctx, &examination{Options: o})
}

// Fix mends what it can mend without harm, and writes into the findings what it did.
func Fix(ctx context.Context, found []Finding) {
	for i := range found {
		f := &found[i]
		if f.fix == nil {
			continue
		}
		did, err := f.fix(ctx)
		if err != nil {
			f.FixError = err.Error()
			continue
		}
		f.Fixed = did
	}
}

// examination is what the checks share: the options and some helpers.
type examination struct{ Options }

// homes returns the usable profiles. It ignores errors, because the profile check reports them.
func (e *examination) homes() []profile.Home {
	entries, _ := e.Store.List()
	var homes []profile.Home
	for _, en := range entries {
		if en.Err == nil {
			homes = append(homes, en.Home)
		}
	}
	return homes
}

// command returns a hermes command line for a profile, for messages.
func command(n profile.Name, words string) string {
	if n.IsDefault() {
		return "`hermes " + words + "`"
	}
	return fmt.Sprintf("`hermes -p %s %s`", n, words)
}

// again says how to make a gateway use a change.
func (e *examination) again(n profile.Name) string {
	if e.Manager == nil {
		return command(n, "gateway run")
	}
	return command(n, "gateway restart")
}
