package cli

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"hermes/internal/profile"
	"hermes/internal/profile/archive"
)

func (a *app) profileImportCommand() *cobra.Command {
	var as string
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Make a profile from an archive and register its gateway, down",
		Long: `import makes a profile from an archive of ` + "`hermes profile export`" + `, - for standard input. It never overwrites a profile, and
it refuses an archive that would write or link to anything outside of the profile, or that unpacks to
absurd sizes. A key is generated if the archive holds none, and a port that another profile owns is moved.`,
		Example: `  hermes profile import coder.tar.zst
  hermes profile import coder.tar.zst --as reviewer`,
		Args: words(1, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o := archive.ImportOptions{Limits: archive.DefaultLimits(), Getenv: a.getenv}
			if as != "" {
				n, err := profile.NewName(as)
				if err != nil {
					return &usageError{err}
				}
				o.As = n
			}
			return a.importArchive(cmd.Context(), args[0], o)
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "the `NAME` of the new profile (default: the one in the archive)")
	complete(cmd, "as", cobra.NoFileCompletions)
	return cmd
}

func (a *app) importArchive(ctx context.Context, file string, o archive.ImportOptions) error {
	p, err := a.profiles()
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
		in = io.Reader(f)
	}
	var done func()
	o.Progress, done = a.progress("importing " + file)
	m, err := p.Import(ctx, in, o)
	done()
	a.tellLeftOut(m.LeftOut, "")
	if err != nil {
		return withWayOut(err)
	}
	return a.tellMade("imported", m, p.Registers(), false)
}
