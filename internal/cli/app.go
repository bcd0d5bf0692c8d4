package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"golang.org/x/term"

	"hermes/internal/container"
	"hermes/internal/gateway"
	"hermes/internal/localtime"
	"hermes/internal/operate"
	"hermes/internal/profile"
	"hermes/internal/profile/provision"
	"hermes/internal/service"
	"hermes/internal/service/local"
	"hermes/internal/service/s6"
)

// Streams is where a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// app is what every command needs: the streams, the environment, and the flags that work everywhere. A command that needs more
// keeps it in an options struct of its own: its flags are the fields, and its steps are the methods. A method of app is used by
// more than one command.
type app struct {
	Streams         // Out and Err leave out what a terminal obeys, see cleanWriter
	raw     Streams // the same streams, and nothing is left out
	args    []string
	getenv  func(string) string
	early   chan os.Signal // what signals returns; nil until it is called
	profile string         // the value of -p
	format  string         // the value of --format
	// interrupted ends what beginInterruptible began and returns the signal that came, if one did. It is nil until
	// beginInterruptible is called.
	interrupted func() os.Signal
}

// name returns the profile that the command is about: the one of -p, else the one that `hermes profile use` chose where that
// counts, else the default one.
func (a *app) name() (profile.Name, error) {
	if a.profile == "" {
		return a.unnamed()
	}
	return parseName(a.profile)
}

// unnamed returns the profile of a command without -p. What `hermes profile use` chose counts only where stickyCounts says so;
// elsewhere it is the default profile (M14).
func (a *app) unnamed() (profile.Name, error) {
	if !a.stickyCounts() {
		return profile.Default(), nil
	}
	profiles, err := a.profiles()
	if err != nil {
		return profile.Default(), nil //nolint:nilerr // a command that needs the profiles asks for them again, and reports the error
	}
	return profiles.ActiveOrDefault()
}

// stickyCounts reports whether the choice of `hermes profile use` counts here. It counts for people at the shell of a host. It
// does not count in the image, in a container's command, and in a gateway that a supervisor started.
func (a *app) stickyCounts() bool {
	return a.getenv(container.SupervisedChild) != "1" && !container.InImage() && !container.IsCommand()
}

// profiles returns the profiles of HERMES_HOME.
func (a *app) profiles() (*profile.Store, error) {
	root, err := profile.RootFromEnv(a.getenv)
	if err != nil {
		return nil, err
	}
	return profile.NewStore(root), nil
}

// home returns the home of the profile that the command is about. A named profile must exist. The default profile's home is made
// if it is missing.
func (a *app) home() (profile.Home, error) {
	n, err := a.name()
	if err != nil {
		return profile.Home{}, err
	}
	profiles, err := a.profiles()
	if err != nil {
		return profile.Home{}, err
	}
	if n.IsDefault() {
		return provision.Seed(context.Background(), profiles, n)
	}
	return profiles.Get(n)
}

// known returns the home of the profile that the command is about, and makes nothing. A named profile must exist.
func (a *app) known() (profile.Home, error) {
	n, err := a.name()
	if err != nil {
		return profile.Home{}, err
	}
	profiles, err := a.profiles()
	if err != nil || n.IsDefault() {
		return profiles.Home(n), err
	}
	h, err := profiles.Get(n)
	return h, withWayOut(err)
}

// withWayOut adds to the error of a profile that is not there how to list those that are.
func withWayOut(err error) error {
	var missing *profile.NotFoundError
	var gone *profile.ActiveGoneError
	if errors.As(err, &missing) && !errors.As(err, &gone) {
		return fmt.Errorf("%w; `hermes profile list` shows those that are there", err)
	}
	return err
}

// manager returns the service manager in charge, or nil if there is none. If s6 is in charge here, it is s6. Otherwise it is the
// host's for the gateways that are installed as services of the host, and the `hermes up` of this home for all others.
func (a *app) manager() service.Manager {
	dir := s6.Scandir(a.getenv)
	if s6.Detect(dir) == service.KindS6 {
		return s6.New(dir)
	}
	var rest service.Manager
	if root, err := profile.RootFromEnv(a.getenv); err == nil && a.upIsLive() {
		rest = local.NewManager(root)
	}
	if h := a.host(false, ""); h != nil && h.Any() {
		return service.Split{Host: h, Rest: rest}
	}
	return rest
}

// upIsLive reports whether a `hermes up` of this home takes commands.
func (a *app) upIsLive() bool {
	root, err := profile.RootFromEnv(a.getenv)
	return err == nil && local.Live(root)
}

// lifecycle returns what starts and stops gateways here. If no service manager is in charge the error says what to do
// instead (M12).
func (a *app) lifecycle() (operate.Lifecycle, error) {
	m := a.manager()
	if m == nil {
		return operate.Lifecycle{}, errNoManager(container.InContainer() && a.host(false, "") == nil)
	}
	profiles, err := a.profiles()
	return operate.Lifecycle{Manager: m, Store: profiles}, err
}

func errNoManager(inContainer bool) error {
	if inContainer {
		return errors.New("no service manager runs in this container, so there is nothing to start or stop gateways with: " +
			"start the container with the image's own entrypoint, or run `hermes gateway run` as its command and let docker restart it")
	}
	return errors.New("no service manager is in charge of gateways here: `hermes up` supervises them all, " +
		"`hermes gateway install` makes one a service of this host, `hermes gateway run` runs one in the foreground")
}

// operateProfiles returns what makes and changes profiles together with their slots.
func (a *app) operateProfiles() (operate.Profiles, error) {
	profiles, err := a.profiles()
	return operate.Profiles{Manager: a.manager(), Store: profiles, StopForeground: gateway.Stop}, err
}

// json prints a value for programs.
func (a *app) json(v any) error {
	enc := json.NewEncoder(a.Out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// say prints a line for people, and nothing with --format json. Failures go to standard output too, so that all lines stand in the
// order of events.
func (a *app) say(format string, args ...any) {
	if a.format != "json" {
		fmt.Fprintf(a.Out, format+"\n", args...)
	}
}

// warnOddSwitches prints what is wrong with variables that are neither on nor off. In the image it prints nothing, because the
// boot has done so.
func (a *app) warnOddSwitches() {
	if container.InImage() {
		return
	}
	for _, line := range container.OddSwitches(a.getenv) {
		fmt.Fprintln(a.Err, "hermes: "+line)
	}
}

// onTerminal reports whether standard output is a terminal.
func (a *app) onTerminal() bool {
	f, ok := a.raw.Out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// zone returns the local time zone.
func (a *app) zone() *time.Location { return localtime.Zone(a.getenv("TZ")) }

// logger returns a log that writes one line per event to standard error, see loggerTo.
func (a *app) logger(supervised bool) *slog.Logger { return loggerTo(a.Err, supervised) }

// loggerTo returns a log that writes one line per event. Under a supervisor the lines have no time, because the supervisor's
// logger adds it.
func loggerTo(w io.Writer, supervised bool) *slog.Logger {
	var o slog.HandlerOptions
	if supervised {
		o.ReplaceAttr = func(groups []string, at slog.Attr) slog.Attr {
			if len(groups) == 0 && at.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return at
		}
	}
	return slog.New(slog.NewTextHandler(w, &o))
}
