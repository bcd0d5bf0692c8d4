package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"hermes/internal/container"
	"hermes/internal/profile"
	"hermes/internal/profile/ports"
	"hermes/internal/service"
)

// healthTimeout is how long a healthy gateway may take to answer.
const healthTimeout = 3 * time.Second

// healthcheckOptions is what `healthcheck` is told.
type healthcheckOptions struct{ app *app }

func healthcheckCommand(a *app) *cobra.Command {
	o := healthcheckOptions{app: a}
	return &cobra.Command{
		Use:   "healthcheck",
		Short: "Exit 0 if the container does its work (for HEALTHCHECK)",
		Long: `healthcheck asks what matters for the whole container: the supervisor is in charge, and the gateway of -p (the
default profile without it), if it is wanted up, answers its /health. One broken profile beside it does not make the
container unhealthy. Without a supervisor the gateway must run and answer.`,
		Args: noArgs,
		RunE: o.run,
	}
}

// run prints why the container is healthy. If it is not, the error says why.
func (o *healthcheckOptions) run(cmd *cobra.Command, _ []string) error {
	a := o.app
	n, err := a.name()
	if err != nil {
		return err
	}
	what, err := o.look(cmd.Context(), n)
	if err != nil {
		return fmt.Errorf("unhealthy: %w", err)
	}
	if a.format == "json" {
		return a.json(map[string]string{"status": "healthy", "reason": what})
	}
	_, err = fmt.Fprintf(a.Out, "healthy: %s\n", what)
	return err
}

// look returns what is healthy, or an error that says what is not.
func (o *healthcheckOptions) look(ctx context.Context, n profile.Name) (string, error) {
	a := o.app
	profiles, err := a.profiles()
	if err != nil {
		return "", err
	}
	home := profiles.Home(n)
	m := a.manager()
	_, foreground := profile.RunningPID(home)
	if m == nil && !foreground {
		if container.InImage() {
			return "", errors.New("the supervisor is not running")
		}
		return "", fmt.Errorf("no gateway of profile '%s' runs", n)
	}
	if m != nil && !foreground {
		st, err := m.Status(ctx, service.Gateway(n))
		if err != nil {
			return "", err
		}
		if !st.WantUp {
			// The gateway may be meant to run, and this could not be recorded because nothing can be written.
			if err := home.Files().Writable("."); err != nil {
				return "", err
			}
			return fmt.Sprintf("the supervisor is in charge, gateway '%s' is not wanted up", n), nil
		}
	}
	if err := askHealth(ctx, home, a.getenv); err != nil {
		return "", fmt.Errorf("gateway '%s' does not answer: %w", n, err)
	}
	return fmt.Sprintf("gateway '%s' answers", n), nil
}

// askHealth requests /health from a profile's gateway.
func askHealth(ctx context.Context, h profile.Home, getenv func(string) string) error {
	e, err := ports.EndpointOf(h, getenv)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	url := "http://" + e.Dial() + "/health"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // the gateway is on this machine, so no proxy is used
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s says %s", url, resp.Status)
	}
	return nil
}
