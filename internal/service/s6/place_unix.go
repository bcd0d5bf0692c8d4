//go:build unix

package s6

import (
	"os"
	"path/filepath"

	"hermes/internal/profile"
)

const (
	// RunDir is where run-time files are.
	RunDir = "/run"
	// homeRunDir, in the root home, takes its place where it cannot be used.
	homeRunDir = ".run"
)

// HomeRunDir returns the directory of the root home that stands in for RunDir; "" if there is no home.
func HomeRunDir(getenv func(string) string) string {
	home, err := profile.RootFromEnv(getenv)
	if err != nil {
		return ""
	}
	return filepath.Join(home, homeRunDir)
}

// RuntimeDir is the one place that tells where the supervision trees of this container are, for processes that
// have nothing but the container's environment (docker exec): in RunDir, unless only a tree in
// the home runs. Root never looks there: the home is the runtime user's.
func RuntimeDir(getenv func(string) string) string {
	if _, err := os.Lstat(RootTree(RunDir)); err == nil || os.Geteuid() == 0 {
		return RunDir
	}
	if dir := HomeRunDir(getenv); dir != "" && HasReader(filepath.Join(RootTree(dir), ".s6-svscan", "control")) {
		return dir
	}
	return RunDir
}

// RootTree is the scan directory of a container's outer tree, in a run-time directory.
func RootTree(dir string) string { return filepath.Join(dir, "s6", "tree") }
