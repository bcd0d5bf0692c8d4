package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"hermes/internal/profile"
	"hermes/internal/profile/archive"
	"hermes/internal/profile/contents"
	"hermes/internal/store"
)

// profileExportOptions is what `profile export` is told.
type profileExportOptions struct {
	app     *app
	output  string
	secrets bool
	force   bool
}

func profileExportCommand(a *app) *cobra.Command {
	o := profileExportOptions{app: a}
	cmd := &cobra.Command{
		Use:   "export [NAME]",
		Short: "Write a profile into an archive",
		Long: `export writes a profile into a .tar.zst archive that ` + "`hermes profile import`" + ` reads: identity, configuration, skills and
memory, in one consistent state also while the gateway runs. The values in .env and files that may hold keys go in only with
--with-secrets; without it the archive says which variables to fill in. Memory holds what people said:
keep an archive as private as the profile.

What cannot be read, and what import would refuse, is left out and named: links that lead out of the profile, special
files, names with characters that a terminal obeys, and files and trees beyond any measure.`,
		Example: `  hermes profile export coder
  hermes profile export coder --with-secrets -o - | ssh backup 'cat >coder.tar.zst'`,
		Args:              words(0, "NAME"),
		ValidArgsFunction: a.completeFirst,
		RunE:              o.run,
	}
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "the `FILE` to write, - for standard output (default NAME.tar.zst)")
	cmd.Flags().BoolVar(&o.secrets, "with-secrets", false, "include the values in .env and files that may hold keys")
	cmd.Flags().BoolVar(&o.force, "force", false, "replace a file that is there")
	return cmd
}

// run writes the archive to standard output or into a file, and says what is in it.
func (o *profileExportOptions) run(cmd *cobra.Command, args []string) error {
	a, ctx := o.app, cmd.Context()
	n, err := a.nameArg(args)
	if err != nil {
		return err
	}
	profiles, err := a.profiles()
	if err != nil {
		return err
	}
	h, err := profiles.Get(n)
	if err != nil {
		return withWayOut(err)
	}
	if o.output == "-" {
		if a.onTerminal() {
			return &usageError{errors.New("an archive is nothing for a terminal: name a file with -o FILE, or send the output somewhere")}
		}
		_, err := o.write(ctx, h, a.raw.Out)
		return err
	}
	if o.output == "" {
		o.output = n.String() + ".tar.zst"
	}
	e, err := o.writeFile(ctx, h)
	if err != nil {
		return err
	}
	if a.format == "json" {
		_, reasons := contents.ByReason(e.LeftOut)
		return a.json(map[string]any{
			"profile": n, "file": o.output, "files": e.Files, "size_bytes": e.Size, "secrets": o.secrets,
			"left_out": leftOutNames(e.LeftOut), "left_out_reasons": reasons,
		})
	}
	_, err = fmt.Fprintf(a.Out, "✓ profile '%s' is exported to %s (%d files, %s)\n", n, o.output, e.Files, size(e.Size))
	return err
}

// writeFile writes the archive into a temporary file beside its place, and renames it once it is whole.
func (o *profileExportOptions) writeFile(ctx context.Context, h profile.Home) (e archive.Exported, err error) {
	switch info, err := os.Lstat(o.output); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return e, err
	case !info.Mode().IsRegular():
		return e, fmt.Errorf("%s is no file: name another with -o FILE, or use -o - for standard output", o.output)
	case !o.force:
		return e, fmt.Errorf("%s exists already: name another file with -o FILE, or replace it with --force", o.output)
	}
	tmp, err := os.CreateTemp(filepath.Dir(o.output), ".hermes-export-*.tmp") // mode 0600
	if err != nil {
		return e, fmt.Errorf("cannot write %s: %w; name a file elsewhere with -o FILE, or use -o - for standard output", o.output, err)
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	if e, err = o.write(ctx, h, tmp); err != nil {
		return e, err
	}
	if err = errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return e, fmt.Errorf("cannot write %s: %w", o.output, err)
	}
	return e, os.Rename(tmp.Name(), o.output)
}

// write writes the archive and names what was left out of it.
func (o *profileExportOptions) write(ctx context.Context, h profile.Home, w io.Writer) (archive.Exported, error) {
	progress, done := o.app.progress("exporting profile '" + h.Name.String() + "'")
	e, err := archive.Export(ctx, h, w, archive.ExportOptions{
		Secrets: o.secrets, Limits: archive.DefaultLimits(), Snapshot: store.Backup, Progress: progress,
	})
	done()
	if err == nil {
		o.app.tellLeftOut(e.LeftOut, "--with-secrets includes it")
	}
	return e, err
}
