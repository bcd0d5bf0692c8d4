package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"hermes/internal/container"
	"hermes/internal/doctor"
	"hermes/internal/exitcode"
	"hermes/internal/logs"
	"hermes/internal/service/s6"
)

func (a *app) doctorCommand() *cobra.Command {
	var fix bool
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
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := a.doctorOptions()
			if err != nil {
				return err
			}
			var healed []doctor.Finding
			if os.Geteuid() == 0 && o.UID != 0 {
				if fix {
					healed = doctor.Heal(o) // what only root can do; the rest needs no root
				}
				if o, err = a.stepDownForDoctor(); err != nil {
					return err
				}
			}
			found := doctor.Run(cmd.Context(), o)
			if fix {
				doctor.Fix(cmd.Context(), found)
			}
			found = append(healed, found...)
			if err := a.renderFindings(found, fix); err != nil {
				return err
			}
			if wrong(found) > 0 {
				return &silentError{exitcode.Failure}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&fix, "fix", false, "mend what can be mended without harm")
	return cmd
}

func (a *app) doctorOptions() (doctor.Options, error) {
	store, err := a.store()
	if err != nil {
		return doctor.Options{}, err
	}
	o := doctor.Options{
		Store: store, Getenv: a.getenv, Manager: a.manager(), Scandir: s6.Scandir(a.getenv),
		Image: container.InImage(), Container: container.InContainer(), OneUser: container.OneUser(a.getenv), Embedded: container.IsEmbedded(),
		Dashboard: container.Strict(a.getenv("HERMES_DASHBOARD")), Ask: a.ask,
	}
	o.UID, o.GID = fileOwner(store)
	if o.Image {
		u, err := runtimeUser(a.getenv)
		if err != nil {
			return o, err
		}
		o.UID, o.GID = u.UID, u.GID
	}
	return o, nil
}

// stepDownForDoctor steps down and returns the options anew: who looks is somebody else.
func (a *app) stepDownForDoctor() (doctor.Options, error) {
	var err error
	if container.InImage() {
		err = a.becomeRuntimeUser()
	} else {
		err = a.becomeOwner()
	}
	if err != nil {
		return doctor.Options{}, err
	}
	return a.doctorOptions()
}

// runtimeUser is who gateways run as here.
func runtimeUser(getenv func(string) string) (container.User, error) {
	if os.Geteuid() == 0 {
		return container.ExecUser(getenv)
	}
	u, _, err := container.Current(getenv)
	return u, err
}

func wrong(found []doctor.Finding) int {
	n := 0
	for _, f := range found {
		if f.Wrong() {
			n++
		}
	}
	return n
}

var marks = map[doctor.Severity]string{doctor.Error: "✗", doctor.Warning: "!", doctor.Note: "·"}

func (a *app) renderFindings(found []doctor.Finding, fixed bool) error {
	if a.format == "json" {
		if found == nil {
			found = []doctor.Finding{}
		}
		return a.json(map[string]any{"ok": wrong(found) == 0, "checks": doctor.Names(), "findings": found})
	}
	fixable := 0
	for _, f := range found {
		// Names and contents of files come from the volume.
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
	case fixable > 0 && !fixed:
		fmt.Fprintf(a.Out, "%d wrong; `hermes doctor --fix` mends %d of them\n", left, fixable)
	default:
		fmt.Fprintf(a.Out, "%d wrong\n", left)
	}
	return nil
}
