package hosted

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hermes/internal/service"
	"hermes/internal/service/restart"
)

// Definition is the definition of a service on a host.
type Definition struct {
	ID        service.ID
	Home      string // HERMES_HOME, absolute
	Program   string // path of hermes, absolute
	User      string // the user as whom a service of the whole system runs; "" in the user's own manager
	Kind      service.Kind
	KillAfter time.Duration
	Rule      restart.Rule
}

// Environment returns the variables that a gateway on a host gets in addition to those of its manager.
func (d Definition) Environment() []string {
	return []string{"HERMES_HOME=" + d.Home, service.SupervisedChild + "=1", service.Variable + "=" + string(d.Kind)}
}

// Args returns the arguments of the command line, without the program.
func (d Definition) Args() []string { return service.Command(d.ID, 0)[1:] }

// Title is the name of the service in the host's own tools.
func (d Definition) Title() string {
	if n, ok := d.ID.Profile(); ok {
		return "hermes gateway '" + n.String() + "'"
	}
	return "hermes " + d.ID.String()
}

// Check refuses values that no unit can contain.
func (d Definition) Check() error {
	for what, path := range map[string]string{"HERMES_HOME": d.Home, "the path of hermes": d.Program} {
		switch {
		case !filepath.IsAbs(path):
			return fmt.Errorf("%s is not absolute: %q", what, path)
		case !utf8.ValidString(path), strings.ContainsFunc(path, unicode.IsControl):
			return fmt.Errorf("%s has characters that a unit cannot hold: %q", what, path)
		}
	}
	if d.Kind == service.KindSystemd && strings.ContainsAny(d.Program, `"'\`) { // systemd refuses these characters even in quotes
		return fmt.Errorf("systemd runs no program whose path has quotes or backslashes: %s", d.Program)
	}
	if strings.ContainsAny(d.User, "%\"'\\ \t") || strings.ContainsFunc(d.User, unicode.IsControl) {
		return fmt.Errorf("the user's name has characters that a unit cannot hold: %q", d.User)
	}
	if _, ok := d.ID.Profile(); !ok {
		return errors.New("only gateways are services of the host")
	}
	return nil
}

// ForeignError reports that a unit does not belong to this home.
type ForeignError struct {
	Unit string // its path
	Home string // the home to which it belongs; "" if hermes did not make it
}

func (e *ForeignError) Error() string {
	if e.Home == "" {
		return e.Unit + " was not made by hermes: remove it first"
	}
	return fmt.Sprintf("%s belongs to another home: `HERMES_HOME=%s hermes gateway uninstall` removes it", e.Unit, e.Home)
}
