package host

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hermes/internal/service"
)

// definition is what a unit is made of.
type definition struct {
	id        service.ID
	home      string // HERMES_HOME, absolute
	program   string // path of hermes, absolute
	user      string // whom a service of the whole system runs as; "" in the user's own manager
	kind      service.Kind
	killAfter time.Duration
	rule      service.Backoff
}

// environment is what a gateway of the host gets on top of what its manager gives it.
func (d definition) environment() []string {
	return []string{"HERMES_HOME=" + d.home, service.SupervisedChild + "=1", service.Variable + "=" + string(d.kind)}
}

// args are those of the command line, without the program.
func (d definition) args() []string { return service.Command(d.id, 0)[1:] }

// title is what the host's own tools show.
func (d definition) title() string {
	if n, ok := d.id.Profile(); ok {
		return "hermes gateway '" + n.String() + "'"
	}
	return "hermes " + d.id.String()
}

// check refuses what no unit can hold.
func (d definition) check() error {
	for what, path := range map[string]string{"HERMES_HOME": d.home, "the path of hermes": d.program} {
		switch {
		case !filepath.IsAbs(path):
			return fmt.Errorf("%s is not absolute: %q", what, path)
		case !utf8.ValidString(path), strings.ContainsFunc(path, unicode.IsControl):
			return fmt.Errorf("%s has characters that a unit cannot hold: %q", what, path)
		}
	}
	if d.kind == service.KindSystemd && strings.ContainsAny(d.program, `"'\`) { // systemd refuses them, quoted or not
		return fmt.Errorf("systemd runs no program whose path has quotes or backslashes: %s", d.program)
	}
	if strings.ContainsAny(d.user, "%\"'\\ \t") || strings.ContainsFunc(d.user, unicode.IsControl) {
		return fmt.Errorf("the user's name has characters that a unit cannot hold: %q", d.user)
	}
	if _, ok := d.id.Profile(); !ok {
		return errors.New("only gateways are services of the host")
	}
	return nil
}

// ownerMark begins the line of a unit that says whose it is.
const ownerMark = "HermesHome="

// owner returns the home that a unit was made for. ok is false for a unit that hermes did not make.
func owner(unit []byte) (home string, ok bool) {
	for line := range strings.Lines(string(unit)) {
		if text, found := strings.CutPrefix(strings.TrimRight(line, "\n"), ownerMark); found {
			home, err := strconv.Unquote(text)
			return home, err == nil
		}
	}
	return "", false
}

// ForeignError reports a unit that is not this home's.
type ForeignError struct {
	Unit string // its path
	Home string // whose it is; "" if hermes did not make it
}

func (e *ForeignError) Error() string {
	if e.Home == "" {
		return e.Unit + " was not made by hermes: remove it first"
	}
	return fmt.Sprintf("%s belongs to another home: `HERMES_HOME=%s hermes gateway uninstall` removes it", e.Unit, e.Home)
}
