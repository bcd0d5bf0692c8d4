package doctor

import (
	"fmt"
	"strings"

	"hermes/internal/boot"
)

// Heal changes the owner of files on the volume to whom they should belong, as a boot does, and says what it did. Only Heal needs
// root; the checks and the other fixes do not.
func Heal(o Options) []Finding {
	f := Finding{Check: ownershipCheck, Severity: Error, What: "files on the volume belong to somebody else"}
	healed, err := boot.Heal(o.Store.Root(), o.UID, o.GID)
	var found []Finding
	if healed.Given > 0 {
		f.Fixed = fmt.Sprintf("gave %d files and directories to %d:%d", healed.Given, o.UID, o.GID)
		found = append(found, f)
	}
	if err != nil {
		f.Fixed, f.FixError = "", err.Error()
		found = append(found, f)
	}
	if len(healed.LeftAlone) > 0 {
		found = append(found, Finding{Check: ownershipCheck, Severity: Warning, What: "mounted from elsewhere, and not given to anybody: " + strings.Join(healed.LeftAlone, ", "),
			Mend: fmt.Sprintf("if gateways are to write there, give it to uid %d where it comes from", o.UID)})
	}
	return found
}
