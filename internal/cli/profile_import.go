package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"hermes/internal/profile"
	"hermes/internal/profile/archive"
)

// profileImportOptions is what `profile import` is told.
type profileImportOptions struct {
	app *app
	as  string
}

func profileImportCommand(a *app) *cobra.Command {
	o := profileImportOptions{app: a}
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Make a profile from an archive and register its gateway, down",
		Long: `import makes a profile from an archive of ` + "`hermes profile export`" + `, - for standard input. It never overwrites a profile, and
it refuses an archive that would write or link to anything outside of the profile, or that unpacks to
absurd sizes. A key is generated if the archive holds none, and a port that another profile owns is moved.`,
		Example: `  hermes profile import coder.tar.zst
  hermes profile import coder.tar.zst --as reviewer`,
		Args: words(1, "FILE"),
		RunE: o.run,
	}
	cmd.Flags().StringVar(&o.as, "as", "", "the `NAME` of the new profile (default: the one in the archive)")
	complete(cmd, "as", cobra.NoFileCompletions)
	return cmd
}

// run makes a profile from the archive that the argument names.
func (o *profileImportOptions) run(cmd *cobra.Command, args []string) error {
	a, ctx, file := o.app, cmd.Context(), args[0]
	opts := archive.ImportOptions{Limits: archive.DefaultLimits(), Getenv: a.getenv}
	if o.as != "" {
		n, err := profile.NewName(o.as)
		if err != nil {
			return &usageError{err}
		}
		opts.As = n
	}
	p, err := a.operateProfiles()
	if err != nil {
		return err
	}
	in := a.input(ctx)
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return fmt.Errorf("cannot read the archive: %w", err)
		}
		defer f.Close()
		in = f
	}
	var done func()
	opts.Progress, done = a.progress("importing " + file)
	m, err := p.Import(ctx, in, opts)
	done()
	a.tellLeftOut(m.LeftOut, "")
	if err != nil {
		return withWayOut(err)
	}
	return a.tellMade("imported", m, p.Registers(), false)
}
