//go:build unix && !linux

package volume

import (
	"os"
	"testing"
)

func withoutRootsRights(t *testing.T) {
	t.Helper()
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
}
