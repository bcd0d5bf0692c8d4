package profile

import (
	"path/filepath"

	"hermes/internal/volume"
)

// MaxSoul is the largest SOUL.md that a gateway uses, in bytes.
const MaxSoul = 1 << 20

// The files in a profile's home (contract "On disk"). Methods of Home return their paths, for messages and other programs. This
// program itself opens them through Home.Files.
const (
	SoulName      = "SOUL.md"
	ConfigName    = "config.yaml"
	EnvName       = ".env"
	OwnEnvName    = "hermes.env"
	StateName     = "gateway_state.json"
	LockName      = "gateway.lock"
	PIDName       = "gateway.pid"
	ProcessesName = "processes.json"
	TakeoverName  = ".gateway_takeover.json"
	DatabaseName  = "hermes.db"
	CountersName  = "metrics.json"

	// FormerDatabaseName is the database's name until November 2026. hermes-agent has a file of the same name, so check a file of
	// that name before using it as ours.
	FormerDatabaseName = "state.db"

	// stateLockName is locked while StateName is read, changed and written. It is a separate file because every write replaces
	// StateName.
	stateLockName    = ".gateway_state.lock"
	settingsLockName = ".settings.lock"
)

// Home is the directory of one profile, with the paths in it (contract "On disk").
type Home struct {
	Name Name
	Dir  string // absolute
	Root string // HERMES_HOME: the home of the default profile

	files, root volume.Dir // Dir and Root, opened; zero in a Home that no Store made
}

// Files returns the home as a directory to read and write in.
func (h Home) Files() volume.Dir {
	if h.files.IsZero() {
		return volume.At(h.Dir)
	}
	return h.files
}

// Logs returns LogDir as a directory to read in.
func (h Home) Logs() volume.Dir {
	root := h.root
	if root.IsZero() {
		root = volume.At(h.Root)
	}
	return root.Sub(logsName).Sub(h.Name.String())
}

// Soul is the path of SOUL.md, the system prompt, which says who the agent is. A directory with this file is a profile.
func (h Home) Soul() string { return filepath.Join(h.Dir, SoulName) }

// Config is the path of config.yaml, which is optional.
func (h Home) Config() string { return filepath.Join(h.Dir, ConfigName) }

// Env is the path of .env, which holds the profile's secrets and has mode 0600.
func (h Home) Env() string { return filepath.Join(h.Dir, EnvName) }

// OwnEnv is the path of hermes.env. If .env belongs to another program, our variables go there: see env.Put.
func (h Home) OwnEnv() string { return filepath.Join(h.Dir, OwnEnvName) }

// StateFile is the path of gateway_state.json. Use ReadState and UpdateState to read and write it.
func (h Home) StateFile() string { return filepath.Join(h.Dir, StateName) }

// LockFile is the path of the lock (flock) that the profile's gateway holds as long as it lives.
func (h Home) LockFile() string { return filepath.Join(h.Dir, LockName) }

// PIDFile is the path of the file that says which process holds LockFile.
func (h Home) PIDFile() string { return filepath.Join(h.Dir, PIDName) }

// ProcessesFile is the path of the list of processes that the gateway started. It is stale after a container restart.
func (h Home) ProcessesFile() string { return filepath.Join(h.Dir, ProcessesName) }

// TakeoverFile is the path of the marker that says that another gateway has asked this one to end, which makes it a planned stop.
func (h Home) TakeoverFile() string { return filepath.Join(h.Dir, TakeoverName) }

// Database is the path of the profile's SQLite file.
func (h Home) Database() string { return filepath.Join(h.Dir, DatabaseName) }

// FormerDatabase is the path that the database had until November 2026.
func (h Home) FormerDatabase() string { return filepath.Join(h.Dir, FormerDatabaseName) }

// LogDir is where the logger of the profile's gateway writes. For every profile it lies in the root home.
func (h Home) LogDir() string {
	return filepath.Join(h.Root, filepath.FromSlash(logsName), h.Name.String())
}
