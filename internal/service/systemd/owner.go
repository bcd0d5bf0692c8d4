package systemd

import (
	"strconv"
	"strings"
)

// ownerMark begins the line of a unit that says whose it is.
const ownerMark = "HermesHome="

// owner returns the home that a unit was made for. ok is false for a unit that hermes did not make.
func owner(unit []byte) (home string, ok bool) {
	for line := range strings.Lines(string(unit)) {
		if text, found := strings.CutPrefix(strings.TrimRight(line, "\n"), ownerMark); found {
			home, err := strconv.Unquote(text)
			return home, err == nil
		}
	}
	return "", false
}
