package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hermes/internal/container"
	"hermes/internal/gateway"
	"hermes/internal/operate"
	"hermes/internal/profile"
	"hermes/internal/profile/contents"
	"hermes/internal/profile/provision"
)

func (a *app) profileCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "profile",
		Short: "Create, copy, rename and delete profiles",
		Long: `A profile is a home directory with its own identity (SOUL.md), configuration (config.yaml), secrets (.env) and
memory. Each profile has a gateway of its own. The profile "default" is HERMES_HOME itself, the
others lie in HERMES_HOME/profiles.`,
		Example: `  hermes profile create coder
  hermes -p coder gateway start
  hermes profile export coder -o coder.tar.zst`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.profileListCommand(), a.profileShowCommand(), a.profileCreateCommand(), a.profileDeleteCommand(),
		a.profileRenameCommand(), a.profileExportCommand(), a.profileImportCommand(), a.profileUseCommand())
	return cmd
}

// profiles returns what keeps profiles and their slots together.
func (a *app) profiles() (operate.Profiles, error) {
	store, err := a.store()
	return operate.Profiles{Manager: a.manager(), Store: store, StopForeground: gateway.Stop}, err
}

// unnamed returns the profile of a command without -p. What `hermes profile use` chose counts for people at a host's shell
// only: in the image, and in a supervised child, no -p means the default profile (M14).
func (a *app) unnamed() (profile.Name, error) {
	if !a.stickyCounts() {
		return profile.Default(), nil
	}
	store, err := a.store()
	if err != nil {
		return profile.Default(), nil //nolint:nilerr // the command says it where it needs the store
	}
	return store.ActiveOrDefault()
}

func (a *app) stickyCounts() bool {
	return a.getenv(container.SupervisedChild) != "1" && !container.InImage() && !container.IsCommand()
}

// words checks the number of arguments as usage; names says what they are.
func words(least int, names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return &usageError{fmt.Errorf("`%s` needs %s: see `%s --help`", cmd.CommandPath(), strings.Join(names[len(args):least], " and "), cmd.CommandPath())}
		case len(args) > len(names):
			return noArgs(cmd, args[len(names):])
		}
		return nil
	}
}

// nameArg returns the profile of an optional first argument, else the one of -p.
func (a *app) nameArg(args []string) (profile.Name, error) {
	if len(args) == 0 {
		return a.name()
	}
	return parseName(args[0])
}

func parseName(s string) (profile.Name, error) {
	n, err := profile.ParseName(s)
	if err != nil {
		return n, &usageError{err}
	}
	return n, nil
}

// completeFirst completes the first argument with the names of profiles.
func (a *app) completeFirst(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeProfile(cmd, args, prefix)
}

// completeNamed is completeFirst without the default profile.
func (a *app) completeNamed(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	names, directive := a.completeFirst(cmd, args, prefix)
	var named []cobra.Completion
	for _, n := range names {
		if n != profile.DefaultName {
			named = append(named, n)
		}
	}
	return named, directive
}

// withWayOut tells where to look after a name that is not there.
func withWayOut(err error) error {
	var missing *profile.NotFoundError
	var gone *profile.ActiveGoneError
	if errors.As(err, &missing) && !errors.As(err, &gone) {
		return fmt.Errorf("%w; `hermes profile list` shows those that are there", err)
	}
	return err
}

// made is what programs are told about a new profile.
type made struct {
	Profile profile.Name `json:"profile"`
	Home    string       `json:"home"`
	Port    int          `json:"port,omitempty"`
	LeftOut []string     `json:"left_out,omitempty"`
	// Reasons says why, by reason.
	Reasons map[string][]string `json:"left_out_reasons,omitempty"`
	// Registered tells whether it has a slot.
	Registered bool `json:"registered"`
}

// tellMade says what was made and what to type next. registered tells whether it has a slot.
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

func leftOutNames(all []contents.LeftOut) (names []string) {
	for _, l := range all {
		names = append(names, l.Name)
	}
	return names
}

// tellLeftOut names files that did not come along, a line for each reason, on stderr, where they do not disturb an archive.
// hint, if not "", says what brings those along that may hold keys.
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
