//go:build !unix

package s6

import "path/filepath"

// RunDir is empty, because there are no run-time directories on this system.
const RunDir = ""

// HomeRunDir returns "".
func HomeRunDir(func(string) string) string { return "" }

// RuntimeDir returns "".
func RuntimeDir(func(string) string) string { return "" }

// RootTree returns the scan directory of a container's outer tree, in a run-time directory.
func RootTree(dir string) string { return filepath.Join(dir, "s6", "tree") }

// ScandirIn is Scandir.
func ScandirIn(getenv func(string) string, _ string) string { return Scandir(getenv) }
