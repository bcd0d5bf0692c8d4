package profile

import "path/filepath"

// Home is the directory of one profile, and the paths in it (contract "On disk").
type Home struct {
	Name Name
	Dir  string // absolute
	Root string // HERMES_HOME: the home of the default profile
}

// Soul is who the agent is: the system prompt. It marks a directory as a profile.
func (h Home) Soul() string { return filepath.Join(h.Dir, "SOUL.md") }

// Config is config.yaml. It is optional.
func (h Home) Config() string { return filepath.Join(h.Dir, "config.yaml") }

// Env holds the profile's secrets, mode 0600.
func (h Home) Env() string { return filepath.Join(h.Dir, ".env") }

// StateFile is gateway_state.json. Read and write it with ReadState and UpdateState.
func (h Home) StateFile() string { return filepath.Join(h.Dir, "gateway_state.json") }

// stateLock guards the read-modify-write of StateFile. It is a file of its own
// because StateFile is replaced by every write.
func (h Home) stateLock() string { return filepath.Join(h.Dir, ".gateway_state.lock") }

// LockFile is held (flock) by the profile's gateway for as long as it lives.
func (h Home) LockFile() string { return filepath.Join(h.Dir, "gateway.lock") }

// PIDFile says who holds LockFile.
func (h Home) PIDFile() string { return filepath.Join(h.Dir, "gateway.pid") }

// ProcessesFile lists what the gateway started. It is stale after a container restart.
func (h Home) ProcessesFile() string { return filepath.Join(h.Dir, "processes.json") }

// TakeoverFile marks that another gateway asked this one to go: a planned stop.
func (h Home) TakeoverFile() string { return filepath.Join(h.Dir, ".gateway_takeover.json") }

// Database is the profile's SQLite file.
func (h Home) Database() string { return filepath.Join(h.Dir, "state.db") }

// LogDir is where the logger of the profile's gateway writes. It lies in the root
// home for every profile.
func (h Home) LogDir() string {
	return filepath.Join(h.Root, "logs", "gateways", h.Name.String())
}
