package backend

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"hermes/internal/logs"
	"hermes/internal/profile"
)

const (
	// maxBootLog is the largest boot log that is read, in bytes; maxBootLines is how many of its lines are returned.
	maxBootLog   = 1 << 20
	maxBootLines = 2000
)

// BootLines returns the lines of the container's boot log, the latest first. Outside of a container there is no such log, and no line.
func BootLines(store *profile.Store) ([]string, error) {
	data, err := store.Files().ReadFile("logs/container-boot.log", maxBootLog)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(logs.PrintableLines(string(data))), "\n")
	slices.Reverse(lines)
	return lines[:min(len(lines), maxBootLines)], nil
}
