package systemd

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"hermes/internal/service"
	"hermes/internal/service/hosted"
	"hermes/internal/volume"
)

// scope is one of the two systemds that a user can use: the user's own manager, or the system's.
type scope struct {
	name   string // in the form in which status prints it
	system bool
	dir    string // the directory of its units
	socket string // of the manager; of a message bus if viaBus is true
	viaBus bool
}

// The paths that systemd documents (systemd.unit(5), user@.service(5)). systemd's own socket accepts only root, or the user whose
// manager it is, and needs no message bus.
const (
	systemUnits  = "/etc/systemd/system"
	systemSocket = "/run/systemd/private"
	systemBus    = "/run/dbus/system_bus_socket"
)

func systemScope() scope {
	s := scope{name: "systemd (system)", system: true, dir: systemUnits, socket: systemSocket}
	if os.Geteuid() != 0 {
		s.socket, s.viaBus = systemBus, true
	}
	return s
}

// userScope returns the systemd that `systemctl --user` uses. ok is false if the environment does not tell where it is.
func userScope(getenv func(string) string) (_ scope, ok bool) {
	config := getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(config) {
		home := getenv("HOME")
		if !filepath.IsAbs(home) {
			return scope{}, false
		}
		config = filepath.Join(home, ".config")
	}
	runtime := getenv("XDG_RUNTIME_DIR")
	if !filepath.IsAbs(runtime) {
		runtime = "/run/user/" + strconv.Itoa(os.Geteuid())
	}
	return scope{name: "systemd (user)", dir: filepath.Join(config, "systemd", "user"), socket: filepath.Join(runtime, "systemd", "private")}, true
}

// maxUnit limits the size of a unit, in bytes; our units are far smaller.
const maxUnit = 64 << 10

// unit is an installed unit of ours.
type unit struct {
	scope
	id   service.ID
	name string // hermes-gateway-coder.service
	path string
}

// prefix is how the names of our units begin: hermes-gateway-coder.service.
const prefix = "hermes-"

func (m *Manager) unitName(id service.ID) string { return m.prefix + id.String() + ".service" }

func (m *Manager) unitIn(s scope, id service.ID) unit {
	name := m.unitName(id)
	return unit{scope: s, id: id, name: name, path: filepath.Join(s.dir, name)}
}

// owned returns nil if the unit exists and belongs to this home. Otherwise the error is fs.ErrNotExist or *hosted.ForeignError.
func (m *Manager) owned(u unit) error {
	data, err := volume.ReadPath(u.path, maxUnit)
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if home, ok := owner(data); err != nil || !ok || home != m.home {
		return &hosted.ForeignError{Unit: u.path, Home: home}
	}
	return nil
}

// find returns the installed unit of a service. The user's own manager comes before the system's.
func (m *Manager) find(id service.ID) (unit, error) {
	for _, s := range m.scopes {
		if u := m.unitIn(s, id); m.owned(u) == nil {
			return u, nil
		}
	}
	return unit{}, service.NotRegistered(id)
}

// units returns the installed units of this home.
func (m *Manager) units() ([]unit, error) {
	seen := map[service.ID]bool{}
	var all []unit
	for _, s := range m.scopes {
		entries, err := os.ReadDir(s.dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			return nil, err
		}
		for _, e := range entries {
			name, found := strings.CutPrefix(e.Name(), m.prefix)
			name, isService := strings.CutSuffix(name, ".service")
			if !found || !isService {
				continue
			}
			id, ok := service.ParseID(name)
			if u := m.unitIn(s, id); ok && !seen[id] && m.owned(u) == nil {
				seen[id] = true
				all = append(all, u)
			}
		}
	}
	return all, nil
}
