package doctor

import (
	"context"
	"fmt"
	"path/filepath"

	"hermes/internal/profile/config"
)

// manySessions is the size in bytes from which on checkSessions mentions a database that only grows.
const manySessions = 1 << 30

// checkSessions finds databases that only grow. Keeping everything is no mistake, so it is a note.
func checkSessions(_ context.Context, e *examination) []Finding {
	var found []Finding
	for _, h := range e.homes() {
		info, err := h.Files().Lstat(filepath.Base(h.Database()))
		if err != nil || info.Size() < manySessions {
			continue
		}
		c, err := config.Load(h)
		if err != nil || c.Sessions != (config.Sessions{}) {
			continue // the profile check reports the file
		}
		found = append(found, Finding{Severity: Note, Profile: h.Name.String(),
			What: fmt.Sprintf("its sessions take %.1f GB, and are kept for ever", float64(info.Size())/1e9),
			Mend: command(h.Name, "sessions prune --older-than 1y --dry-run") + " counts what is old; sessions.max_age in " + h.Config() + " has its gateway remove it"})
	}
	return found
}
