package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"hermes/internal/version"
)

// versionOptions is what `version` is told.
type versionOptions struct{ app *app }

func versionCommand(a *app) *cobra.Command {
	o := versionOptions{app: a}
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArgs,
		RunE:  o.run,
	}
}

// run prints the version of hermes, and what it was built with and for.
func (o *versionOptions) run(*cobra.Command, []string) error {
	a := o.app
	if a.format == "json" {
		return a.json(map[string]string{
			"version": version.Version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH,
		})
	}
	_, err := fmt.Fprintf(a.Out, "hermes %s (%s %s/%s)\n", version.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
