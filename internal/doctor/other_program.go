package doctor

import (
	"context"
	"fmt"
	"strings"

	"hermes/internal/profile/config"
	"hermes/internal/store"
)

// checkOtherProgram notes which files and keys in a home are hermes-agent's, whose home is the same directory, and are not used.
// Nothing is wrong with them.
func checkOtherProgram(ctx context.Context, e *examination) []Finding {
	var found []Finding
	for _, h := range e.homes() {
		note := func(what, mend string) {
			found = append(found, Finding{Severity: Note, Profile: h.Name.String(), What: what, Mend: mend})
		}
		// If the file is wrong, the profile check reports that.
		if c, err := config.Load(h); err == nil && len(c.Unused) > 0 {
			note(fmt.Sprintf("%s is written for hermes-agent, and %d of its keys mean nothing here: %s", h.Config(), len(c.Unused), strings.Join(c.Unused, ", ")),
				"docs/configuration.md has the keys that do; the file can stay as it is")
		}
		if store.Foreign(ctx, h.FormerDatabase()) {
			note(h.FormerDatabase()+" is another program's database: it is neither read nor written", "it can stay where it is")
		}
	}
	return found
}
