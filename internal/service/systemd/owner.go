package systemd

import (
	"strconv"
	"strings"
)

// ownerMark begins the line of a unit that names the home to which the unit belongs.
const ownerMark = "HermesHome="

// owner returns the home for which a unit was made. ok is false if hermes did not make the unit.
func owner(unit []byte) (home string, ok bool) {
	for line := range strings.Lines(string(unit)) {
		if text, found := strings.CutPrefix(strings.TrimRight(line, "\n"), ownerMark); found {
			home, err := strconv.Unquote(text)
			return home, err == nil
		}
	}
	return "", false
}
