package systemd

import (
	"strings"
	"testing"
)

func FuzzOwner(f *testing.F) {
	for _, s := range []string{"", ownerMark + `"/home/me/.hermes"` + "\n", ownerMark + `"`, ownerMark + `"\x00"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, unit []byte) {
		if home, ok := owner(unit); ok && !strings.Contains(string(unit), ownerMark) {
			t.Errorf("%q is %q's", unit, home)
		}
	})
}
