package fleet

import (
	"slices"
	"strings"

	"hermes/internal/logs"
	"hermes/internal/profile"
	"hermes/internal/service"
)

// fewLines is how many of the last lines of a log may be a supervisor's.
const fewLines = 20

// LastWords returns what a service said last in its log: the reason with which a command ended, if there is one in the last lines,
// else the last line that is not its supervisor's. "" if there is no log.
func LastWords(store *profile.Store, id service.ID) string {
	lines, err := logs.Last(store.Files().Sub(service.LogDir(id)), fewLines, nil)
	if err != nil {
		return ""
	}
	slices.Reverse(lines)
	for _, l := range lines {
		if _, said, ok := strings.Cut(l.Text, "✗ "); ok {
			return logs.Printable(said)
		}
	}
	for _, l := range lines {
		// The lines of Decision.Tell and RecordGaveUp, which are the supervisor's, begin with the service.
		if !strings.Contains(l.Text, id.String()+" failed (") && !strings.Contains(l.Text, id.String()+": gave up") && !strings.Contains(l.Text, id.String()+" was told to end") {
			return logs.Printable(l.Text)
		}
	}
	return ""
}
