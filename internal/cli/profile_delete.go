package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hermes/internal/profile"
)

// deleteOptions is what `profile delete` is told.
type deleteOptions struct {
	app *app
	yes bool
}

func (a *app) profileDeleteCommand() *cobra.Command {
	o := deleteOptions{app: a}
	cmd := &cobra.Command{
		Use:     "delete NAME",
		Aliases: []string{"rm"},
		Short:   "Stop a profile's gateway and delete the profile, its memory and its logs",
		Long: `delete stops the gateway, takes it from the supervisor, and deletes the profile's home and its logs. On a terminal it
asks for the name; anywhere else it needs --yes. The default profile, whose home holds all others, cannot be
deleted. If it is interrupted, type it again.`,
		Example: `  hermes profile delete coder
  hermes profile export coder -o coder.tar.zst && hermes profile delete coder --yes`,
		Args:              words(1, "NAME"),
		ValidArgsFunction: a.completeNamed,
		RunE:              o.run,
	}
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	return cmd
}

func (o *deleteOptions) run(cmd *cobra.Command, args []string) error {
	a := o.app
	n, err := parseName(args[0])
	if err != nil {
		return err
	}
	p, err := a.profiles()
	if err != nil {
		return err
	}
	if err := p.Known(cmd.Context(), n); err != nil {
		return withWayOut(err)
	}
	if !o.yes {
		if err := o.confirm(cmd.Context(), p.Store.Home(n)); err != nil {
			return err
		}
	}
	if err := p.Delete(cmd.Context(), n); err != nil {
		return withWayOut(err)
	}
	if active, ok, err := p.Store.Active(); err == nil && ok && active == n && a.stickyCounts() {
		fmt.Fprintf(a.Err, "it was the profile that `hermes profile use` chose: choose another, or type `hermes profile use --clear`\n")
	}
	if a.format == "json" {
		return a.json(map[string]any{"profile": n, "action": "delete"})
	}
	_, err = fmt.Fprintf(a.Out, "✓ profile '%s' is deleted\n", n)
	return err
}

// confirm has a person type the name.
func (o *deleteOptions) confirm(ctx context.Context, h profile.Home) error {
	f, ok := o.app.In.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return &usageError{fmt.Errorf("refusing to delete profile '%s' without asking: nobody can answer here, so pass --yes", h.Name)}
	}
	fmt.Fprintf(o.app.Err, "This deletes %s with its memory, its keys and its logs.\nType the profile's name to go on: ", h.Dir)
	line, err := bufio.NewReader(o.app.input(ctx)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(line) != h.Name.String() {
		return fmt.Errorf("that is not '%s': nothing is deleted", h.Name)
	}
	return nil
}
