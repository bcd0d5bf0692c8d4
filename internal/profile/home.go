package profile

import (
	"path/filepath"

	"hermes/internal/volume"
)

// MaxSoul is how large SOUL.md may be, in bytes.
const MaxSoul = 1 << 20

// The files in a profile's home (contract "On disk"). The methods of Home that are called like them say where each is,
// for messages and for programs; this program reaches them through Home.Files.
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

	// FormerDatabaseName is what the database was called until November 2026. The name is also hermes-agent's: a file of that
	// name is looked at before it is taken for ours.
	FormerDatabaseName = "state.db"

	// stateLockName guards the read-modify-write of StateName. It is a file of its own because StateName is replaced by
	// every write.
	stateLockName    = ".gateway_state.lock"
	settingsLockName = ".settings.lock"
)

// Home is the directory of one profile, and the paths in it (contract "On disk").
type Home struct {
	Name Name
	Dir  string // absolute
	Root string // HERMES_HOME: the home of the default profile

	files, root volume.Dir // Dir and Root; zero in a Home that no Store made
}

// Files is the home as a directory to read and write in.
func (h Home) Files() volume.Dir {
	if h.files.IsZero() {
		return volume.At(h.Dir)
	}
	return h.files
}

// Logs is LogDir as a directory to read in.
func (h Home) Logs() volume.Dir {
	root := h.root
	if root.IsZero() {
		root = volume.At(h.Root)
	}
	return root.Sub(logsName).Sub(h.Name.String())
}

// Soul is who the agent is: the system prompt. It marks a directory as a profile.
func (h Home) Soul() string { return filepath.Join(h.Dir, SoulName) }

// Config is config.yaml. It is optional.
func (h Home) Config() string { return filepath.Join(h.Dir, ConfigName) }

// Env holds the profile's secrets, mode 0600.
func (h Home) Env() string { return filepath.Join(h.Dir, EnvName) }

// OwnEnv has what this program itself would write into Env, where that file is another program's: see env.Put.
func (h Home) OwnEnv() string { return filepath.Join(h.Dir, OwnEnvName) }

// StateFile is gateway_state.json. Read and write it with ReadState and UpdateState.
func (h Home) StateFile() string { return filepath.Join(h.Dir, StateName) }

// LockFile is held (flock) by the profile's gateway for as long as it lives.
func (h Home) LockFile() string { return filepath.Join(h.Dir, LockName) }

// PIDFile says who holds LockFile.
func (h Home) PIDFile() string { return filepath.Join(h.Dir, PIDName) }

// ProcessesFile lists what the gateway started. It is stale after a container restart.
func (h Home) ProcessesFile() string { return filepath.Join(h.Dir, ProcessesName) }

// TakeoverFile marks that another gateway asked this one to go: a planned stop.
func (h Home) TakeoverFile() string { return filepath.Join(h.Dir, TakeoverName) }

// Database is the profile's SQLite file.
func (h Home) Database() string { return filepath.Join(h.Dir, DatabaseName) }

// FormerDatabase is where the database was until November 2026.
func (h Home) FormerDatabase() string { return filepath.Join(h.Dir, FormerDatabaseName) }

// LogDir is where the logger of the profile's gateway writes. It lies in the root
// home for every profile.
func (h Home) LogDir() string {
	return filepath.Join(h.Root, filepath.FromSlash(logsName), h.Name.String())
}
