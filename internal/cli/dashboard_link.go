package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"hermes/internal/dashboard/access"
	"hermes/internal/exitcode"
)

// dashboardLinkOptions is what `dashboard link` is told.
type dashboardLinkOptions struct{ app *app }

func dashboardLinkCommand(a *app) *cobra.Command {
	o := dashboardLinkOptions{app: a}
	return &cobra.Command{
		Use:   "link",
		Short: "Print a link that logs a browser in to the dashboard of this home, once",
		Long: `link prints an address with a token that logs a browser in to a dashboard that has no credentials: that of ` + "`hermes up`" + `, and
any other on loopback. It counts once, within 15 minutes. Only who can read the home can make one: other users of the machine
reach the port, and get no further.

Programs send what .dashboard_key in the home holds as a bearer token instead.`,
		Example: `  hermes dashboard link
  curl -H "Authorization: Bearer $(cat ~/.hermes/.dashboard_key)" http://127.0.0.1:9119/api/v1/profiles`,
		Args: noArgs,
		RunE: o.run,
	}
}

// run prints a link to a dashboard that has no credentials.
func (o *dashboardLinkOptions) run(cmd *cobra.Command, _ []string) error {
	a := o.app
	accessOptions, err := access.FromEnv(a.getenv)
	if err != nil {
		return &codeError{err, exitcode.Config}
	}
	if accessOptions.Protected() {
		return errors.New("this dashboard has credentials: log in with them; links are for dashboards without")
	}
	link, err := a.dashboardLink(cmd.Context(), accessOptions)
	if err != nil {
		return err
	}
	if a.format == "json" {
		return a.json(map[string]string{"url": link})
	}
	_, err = fmt.Fprintln(a.Out, link)
	return err
}

// dashboardLink returns a link that logs a browser in to the dashboard of this home, once.
func (a *app) dashboardLink(ctx context.Context, accessOptions access.Options) (string, error) {
	profiles, err := a.profiles()
	if err != nil {
		return "", err
	}
	if err := profiles.Files().IsDir("."); err != nil {
		return "", fmt.Errorf("there is no home yet: %w: `hermes up` makes it", err)
	}
	key, err := access.Key(ctx, profiles.Files())
	if err != nil {
		return "", err
	}
	return accessOptions.URL() + access.Link(key, time.Now()), nil
}
