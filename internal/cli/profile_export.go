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

type exportFlags struct {
	output  string
	secrets bool
	force   bool
}

func (a *app) profileExportCommand() *cobra.Command {
	var f exportFlags
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
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := a.nameArg(args)
			if err != nil {
				return err
			}
			profiles, err := a.store()
			if err != nil {
				return err
			}
			h, err := profiles.Get(n)
			if err != nil {
				return withWayOut(err)
			}
			return a.export(cmd.Context(), h, f)
		},
	}
	cmd.Flags().StringVarP(&f.output, "output", "o", "", "the `FILE` to write, - for standard output (default NAME.tar.zst)")
	cmd.Flags().BoolVar(&f.secrets, "with-secrets", false, "include the values in .env and files that may hold keys")
	cmd.Flags().BoolVar(&f.force, "force", false, "replace a file that is there")
	return cmd
}

func (a *app) export(ctx context.Context, h profile.Home, f exportFlags) error {
	if f.output == "-" {
		if a.onTerminal() {
			return &usageError{errors.New("an archive is nothing for a terminal: name a file with -o FILE, or send the output somewhere")}
		}
		_, err := a.exportTo(ctx, h, a.raw.Out, f)
		return err
	}
	if f.output == "" {
		f.output = h.Name.String() + ".tar.zst"
	}
	e, err := a.exportFile(ctx, h, f)
	if err != nil {
		return err
	}
	if a.format == "json" {
		_, reasons := contents.ByReason(e.LeftOut)
		return a.json(map[string]any{
			"profile": h.Name, "file": f.output, "files": e.Files, "size_bytes": e.Size, "secrets": f.secrets,
			"left_out": leftOutNames(e.LeftOut), "left_out_reasons": reasons,
		})
	}
	_, err = fmt.Fprintf(a.Out, "✓ profile '%s' is exported to %s (%d files, %s)\n", h.Name, f.output, e.Files, size(e.Size))
	return err
}

// exportFile writes the archive beside its place and puts it there when it is whole.
func (a *app) exportFile(ctx context.Context, h profile.Home, f exportFlags) (e archive.Exported, err error) {
	switch info, err := os.Lstat(f.output); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return e, err
	case !info.Mode().IsRegular():
		return e, fmt.Errorf("%s is no file: name another with -o FILE, or use -o - for standard output", f.output)
	case !f.force:
		return e, fmt.Errorf("%s exists already: name another file with -o FILE, or replace it with --force", f.output)
	}
	tmp, err := os.CreateTemp(filepath.Dir(f.output), ".hermes-export-*.tmp") // mode 0600
	if err != nil {
		return e, fmt.Errorf("cannot write %s: %w; name a file elsewhere with -o FILE, or use -o - for standard output", f.output, err)
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	if e, err = a.exportTo(ctx, h, tmp, f); err != nil {
		return e, err
	}
	if err = errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return e, fmt.Errorf("cannot write %s: %w", f.output, err)
	}
	return e, os.Rename(tmp.Name(), f.output)
}

func (a *app) exportTo(ctx context.Context, h profile.Home, w io.Writer, f exportFlags) (archive.Exported, error) {
	progress, done := a.progress("exporting profile '" + h.Name.String() + "'")
	e, err := archive.Export(ctx, h, w, archive.ExportOptions{
		Secrets: f.secrets, Limits: archive.DefaultLimits(), Snapshot: store.Backup, Progress: progress,
	})
	done()
	if err == nil {
		a.tellLeftOut(e.LeftOut, "--with-secrets includes it")
	}
	return e, err
}
