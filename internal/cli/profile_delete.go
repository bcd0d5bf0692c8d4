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

func (a *app) profileDeleteCommand() *cobra.Command {
	var yes bool
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
		RunE: func(cmd *cobra.Command, args []string) error {
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
			if !yes {
				if err := a.confirmDelete(cmd.Context(), p.Store.Home(n)); err != nil {
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
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

// confirmDelete has a person type the name.
func (a *app) confirmDelete(ctx context.Context, h profile.Home) error {
	f, ok := a.In.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return &usageError{fmt.Errorf("refusing to delete profile '%s' without asking: nobody can answer here, so pass --yes", h.Name)}
	}
	fmt.Fprintf(a.Err, "This deletes %s with its memory, its keys and its logs.\nType the profile's name to go on: ", h.Dir)
	line, err := bufio.NewReader(a.input(ctx)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(line) != h.Name.String() {
		return fmt.Errorf("that is not '%s': nothing is deleted", h.Name)
	}
	return nil
}
