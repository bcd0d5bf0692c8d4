package cli

import (
	"context"
	"fmt"
	"strings"

	"hermes/internal/operate"
	"hermes/internal/profile"
	"hermes/internal/profile/contents"
	"hermes/internal/profile/provision"
)

// made is what programs are told about a new profile.
type made struct {
	Profile profile.Name `json:"profile"`
	Home    string       `json:"home"`
	Port    int          `json:"port,omitempty"`
	LeftOut []string     `json:"left_out,omitempty"`
	// Reasons holds the same names, by the reason why they were left out.
	Reasons map[string][]string `json:"left_out_reasons,omitempty"`
	// Registered tells whether the profile has a slot.
	Registered bool `json:"registered"`
}

// tellMade prints what was made, and what to type next unless the gateway is being started. registered tells whether the profile
// has a slot.
func (a *app) tellMade(verb string, m provision.Made, registered, started bool) error {
	n := m.Home.Name
	if a.format == "json" {
		_, reasons := contents.ByReason(m.LeftOut)
		return a.json(made{n, m.Home.Dir, m.Port, leftOutNames(m.LeftOut), reasons, registered})
	}
	fmt.Fprintf(a.Out, "✓ profile '%s' is %s: %s, port %d\n", n, verb, m.Home.Dir, m.Port)
	switch {
	case started:
	case registered:
		fmt.Fprintf(a.Out, "  next: `hermes -p %s gateway start`\n", n)
	default:
		fmt.Fprintf(a.Out, "  next: `hermes -p %s gateway run`\n", n)
	}
	return nil
}

// leftOutNames returns the names of files that were left out.
func leftOutNames(all []contents.LeftOut) (names []string) {
	for _, l := range all {
		names = append(names, l.Name)
	}
	return names
}

// tellLeftOut names the files that were left out of a copy, a line for each reason. It prints on standard error, because standard
// output may be an archive. hint says how to include the files that may hold keys; "" if there is no way.
func (a *app) tellLeftOut(all []contents.LeftOut, hint string) {
	if a.format == "json" {
		return
	}
	const most = 8
	reasons, names := contents.ByReason(all)
	for _, why := range reasons {
		shown, more := names[why], ""
		if len(shown) > most {
			shown, more = shown[:most], fmt.Sprintf(" and %d more", len(shown)-most)
		}
		quoted := make([]string, len(shown))
		for i, f := range shown {
			quoted[i] = fmt.Sprintf("%q", f)
		}
		if why == contents.WhySecret && hint != "" {
			why += "; " + hint
		}
		fmt.Fprintf(a.Err, "left out (%s): %s%s\n", why, strings.Join(quoted, ", "), more)
	}
}

// startNow starts the gateway of a profile that a command made or renamed, and waits until it is ready.
func (a *app) startNow(ctx context.Context, l operate.Lifecycle, n profile.Name) error {
	if err := l.Act(ctx, operate.Start, n); err != nil {
		return withLog(err, l.Store.Home(n), a.zone())
	}
	if a.format == "json" {
		return nil
	}
	_, err := fmt.Fprintf(a.Out, "✓ gateway '%s' %s\n", n, operate.Start.Outcome())
	return err
}
