//go:build unix

package s6

import (
	"os"
	"path/filepath"

	"hermes/internal/profile"
)

const (
	// RunDir is the directory for run-time files.
	RunDir = "/run"
	// homeRunDir is used instead of RunDir, in the root home, if RunDir cannot be used.
	homeRunDir = ".run"
)

// HomeRunDir returns the directory of the root home that replaces RunDir, or "" if there is no home.
func HomeRunDir(getenv func(string) string) string {
	home, err := profile.RootFromEnv(getenv)
	if err != nil {
		return ""
	}
	return filepath.Join(home, homeRunDir)
}

// RuntimeDir returns the directory of this container's supervision trees. Everything that needs it asks here, also processes of
// docker exec, which have nothing but the container's environment. It is RunDir unless only a tree in the home runs. Root never
// looks there, because the home belongs to the runtime user.
func RuntimeDir(getenv func(string) string) string {
	if _, err := os.Lstat(RootTree(RunDir)); err == nil || os.Geteuid() == 0 {
		return RunDir
	}
	if dir := HomeRunDir(getenv); dir != "" && HasReader(filepath.Join(RootTree(dir), ".s6-svscan", "control")) {
		return dir
	}
	return RunDir
}

// RootTree returns the scan directory of a container's outer tree, in a run-time directory.
func RootTree(dir string) string { return filepath.Join(dir, "s6", "tree") }
