package cli

import (
	"github.com/spf13/cobra"

	"hermes/internal/boot"
)

// bootSetupOptions is what `boot setup` is told.
type bootSetupOptions struct{ app *app }

func bootSetupCommand(a *app) *cobra.Command {
	o := bootSetupOptions{app: a}
	return &cobra.Command{
		Use:   "setup",
		Short: "Make the runtime user and give it its places (root, from /etc/cont-init.d)",
		Long: `setup gives the runtime user the ids of HERMES_UID and HERMES_GID (or PUID and PGID), empties the run-time
directories of the last run, and gives the volume to that user where it belongs to somebody else. It
follows no symbolic links and does not walk trees that are right.`,
		Annotations: map[string]string{asRoot: "yes", ownSignals: "yes"},
		Args:        noArgs,
		RunE:        o.run,
	}
}

// run makes the runtime user and gives it its places.
func (o *bootSetupOptions) run(*cobra.Command, []string) error {
	return boot.Setup(o.app.getenv, o.app.Err)
}
