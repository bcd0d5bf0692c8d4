package cli

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"hermes/internal/container"
	"hermes/internal/doctor"
	"hermes/internal/exitcode"
	"hermes/internal/logs"
	"hermes/internal/profile"
	"hermes/internal/service/s6"
)

// doctorOptions is what `doctor` is told.
type doctorOptions struct {
	app *app
	fix bool
}

func doctorCommand(a *app) *cobra.Command {
	o := doctorOptions{app: a}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what is wrong, and say how to mend it",
		Long: `doctor looks at ` + strings.Join(doctor.Names(), ", ") + `. It says what is wrong, how bad it is,
and what to type.

--fix mends what can be mended without harm, and says what it did: the mode of an .env that others can read, slots that
are missing, slots that are down and have no profile, pid files of gateways that no longer live, and, as root, files that
belong to somebody else.

Exit code 0 if nothing is wrong (notes are nothing wrong), 1 if something is.`,
		Example: `  hermes doctor
  hermes doctor --fix
  docker exec -e HERMES_DOCKER_EXEC_AS_ROOT=1 C hermes doctor --fix   also gives files back to the runtime user`,
		Annotations: map[string]string{staysRoot: "yes"},
		Args:        noArgs,
		RunE:        o.run,
	}
	cmd.Flags().BoolVar(&o.fix, "fix", false, "mend what can be mended without harm")
	return cmd
}

// run looks, mends with --fix, and says what it found. Root looks and mends as the user to whom the files belong; before that it gives
// back to this user, with --fix, files that belong to somebody else.
func (o *doctorOptions) run(cmd *cobra.Command, _ []string) error {
	a := o.app
	opts, err := a.examination()
	if err != nil {
		return err
	}
	var healed []doctor.Finding
	if os.Geteuid() == 0 && opts.UID != 0 {
		if o.fix {
			healed = doctor.Heal(opts) // only root can do this; all else is done without root
		}
		if opts, err = o.stepDown(); err != nil {
			return err
		}
	}
	found := doctor.Run(cmd.Context(), opts)
	if o.fix {
		doctor.Fix(cmd.Context(), found)
	}
	found = append(healed, found...)
	if err := o.render(found); err != nil {
		return err
	}
	if wrong(found) > 0 {
		return &silentError{exitcode.Failure}
	}
	return nil
}

// examination returns what the doctor is to look at here.
func (a *app) examination() (doctor.Options, error) {
	profiles, err := a.profiles()
	if err != nil {
		return doctor.Options{}, err
	}
	o := doctor.Options{
		Store: profiles, Getenv: a.getenv, Manager: a.manager(), Scandir: s6.Scandir(a.getenv),
		Image: container.InImage(), Container: container.InContainer(), OneUser: container.OneUser(a.getenv), Embedded: container.IsEmbedded(),
		Dashboard: container.Strict(a.getenv("HERMES_DASHBOARD")), Ask: func(ctx context.Context, h profile.Home) error { return askHealth(ctx, h, a.getenv) },
	}
	o.UID, o.GID = fileOwner(profiles)
	if o.Image {
		u, err := runtimeUser(a.getenv)
		if err != nil {
			return o, err
		}
		o.UID, o.GID = u.UID, u.GID
	}
	return o, nil
}

// stepDown turns root into the user to whom the files belong. It returns what to look at anew, because that depends on the user.
func (o *doctorOptions) stepDown() (doctor.Options, error) {
	a := o.app
	var err error
	if container.InImage() {
		err = a.becomeRuntimeUser()
	} else {
		err = a.becomeOwner()
	}
	if err != nil {
		return doctor.Options{}, err
	}
	return a.examination()
}

// runtimeUser returns the user that the gateways of the image run as.
func runtimeUser(getenv func(string) string) (container.User, error) {
	if os.Geteuid() == 0 {
		return container.ExecUser(getenv)
	}
	u, _, err := container.Current(getenv)
	return u, err
}

// wrong counts the findings that are more than a note.
func wrong(found []doctor.Finding) int {
	n := 0
	for _, f := range found {
		if f.Wrong() {
			n++
		}
	}
	return n
}

// marks are what the line of a finding begins with.
var marks = map[doctor.Severity]string{doctor.Error: "✗", doctor.Warning: "!", doctor.Note: "·"}

// render prints the findings, what was mended, and how many are left.
func (o *doctorOptions) render(found []doctor.Finding) error {
	a := o.app
	if a.format == "json" {
		if found == nil {
			found = []doctor.Finding{}
		}
		return a.json(map[string]any{"ok": wrong(found) == 0, "checks": doctor.Names(), "findings": found})
	}
	fixable := 0
	for _, f := range found {
		// Findings quote names and contents of files that others wrote.
		fmt.Fprintf(a.Out, "%s %s: %s\n", marks[f.Severity], f.Check, logs.Printable(f.What))
		switch {
		case f.Fixed != "":
			fmt.Fprintf(a.Out, "    ✓ %s\n", logs.Printable(f.Fixed))
			continue
		case f.FixError != "":
			fmt.Fprintf(a.Out, "    could not mend it: %s\n", logs.Printable(f.FixError))
		case f.Fixable:
			fixable++
		}
		if f.Mend != "" {
			fmt.Fprintf(a.Out, "    → %s\n", logs.Printable(f.Mend))
		}
	}
	left := wrong(found)
	switch {
	case left == 0:
		fmt.Fprintf(a.Out, "✓ nothing is wrong (%d checks)\n", len(doctor.Names()))
	case fixable > 0 && !o.fix:
		fmt.Fprintf(a.Out, "%d wrong; `hermes doctor --fix` mends %d of them\n", left, fixable)
	default:
		fmt.Fprintf(a.Out, "%d wrong\n", left)
	}
	return nil
}
