package cli

import "github.com/spf13/cobra"

func profileCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "profile",
		Short: "Create, copy, rename and delete profiles",
		Long: `A profile is a home directory with its own identity (SOUL.md), configuration (config.yaml), secrets (.env) and
memory. Each profile has a gateway of its own. The profile "default" is HERMES_HOME itself, the
others lie in HERMES_HOME/profiles.`,
		Example: `  hermes profile create coder
  hermes -p coder gateway start
  hermes profile export coder -o coder.tar.zst`,
		Args: noArgs,
		RunE: showHelp,
	}
	cmd.AddCommand(profileListCommand(a), profileShowCommand(a), profileCreateCommand(a), profileDeleteCommand(a),
		profileRenameCommand(a), profileExportCommand(a), profileImportCommand(a), profileUseCommand(a))
	return cmd
}
