package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"hermes/internal/profile"
)

// checkMounts looks at single files that are mounted into a home (docker run -v FILE:...). They are written in place, if they
// can be written.
func checkMounts(_ context.Context, e *examination) []Finding {
	var found []Finding
	for _, h := range e.homes() {
		for _, file := range []struct {
			name     string
			severity Severity
		}{
			{profile.StateName, Error}, {profile.PIDName, Error}, {profile.LockName, Error}, {profile.DatabaseName, Error},
			// What they say may be all that is needed; where it is not, another check says so.
			{profile.EnvName, Note}, {profile.ConfigName, Note}, {profile.SoulName, Note}, {profile.CountersName, Warning},
		} {
			if !h.Files().IsMount(file.name) {
				continue
			}
			f, err := h.Files().Append(file.name, 0o600)
			if err == nil {
				f.Close()
				continue
			}
			var pe *fs.PathError
			if errors.As(err, &pe) {
				err = pe.Err
			}
			found = append(found, Finding{
				Severity: file.severity, Profile: h.Name.String(),
				What: fmt.Sprintf("%s is a mount of its own and cannot be written: %v", h.Files().Path(file.name), err),
				Mend: fmt.Sprintf("leave `:ro` out where it is mounted, give the file there to uid %d, or mount the directory that it lies in", e.UID),
			})
		}
	}
	return found
}
