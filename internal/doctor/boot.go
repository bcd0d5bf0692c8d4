package doctor

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"hermes/internal/boot"
)

// bootTakes is how long a boot may work on the profiles. After that it was killed.
const bootTakes = time.Minute

// checkBoot looks at what the last boot left: profiles that it skipped, the mark of a boot that was killed, and ids that it could
// not take.
func checkBoot(_ context.Context, e *examination) (found []Finding) {
	left := boot.LeftBehind(e.Store)
	for _, o := range left.Out {
		found = append(found, Finding{Severity: Error, Profile: o.Profile, What: fmt.Sprintf("profile '%s' has been left out since: %s", o.Profile, o.Reason),
			Mend: "mend or remove what is too large in these files, then restart the container (`hermes up` again, without one)"})
	}
	if !left.Working.IsZero() && time.Since(left.Working) > bootTakes {
		found = append(found, Finding{Severity: Warning, What: fmt.Sprintf("the boot of %s was killed while it worked on the profiles", left.Working.UTC().Format("2006-01-02 15:04:05 UTC")),
			Mend: "the next one finds out by which profile, and leaves that one out; if memory was short, give the container more"})
	}
	if e.Image && e.OneUser {
		for _, v := range []struct {
			name string
			want int
		}{{"HERMES_UID", e.UID}, {"PUID", e.UID}, {"HERMES_GID", e.GID}, {"PGID", e.GID}} {
			if is := e.Getenv(v.name); is != "" && is != strconv.Itoa(v.want) {
				found = append(found, Finding{Severity: Warning, What: fmt.Sprintf("%s=%s has no effect: this container runs as %d:%d and cannot become another user", v.name, short(is), e.UID, e.GID),
					Mend: "leave it out, or start the container as root (no --user)"})
			}
		}
	}
	return found
}
