package cli

import (
	"path/filepath"
	"testing"

	"hermes/internal/logs"
	"hermes/internal/volume"
)

func TestAHostsGatewayWritesItsOwnLog(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs", "gateways", "coder")
	w := &lineLog{w: logs.NewWriter(volume.At(dir))}
	defer w.w.Close()
	for _, text := range []string{"one\n", "two\nthree\n", "", "four"} {
		if n, err := w.Write([]byte(text)); n != len(text) || err != nil {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
	lines, err := logs.Last(volume.At(dir), 10, nil)
	if err != nil || len(lines) != 4 {
		t.Fatalf("%v, %v", lines, err)
	}
	for i, want := range []string{"one", "two", "three", "four"} {
		if got := lines[i].Text; got != want {
			t.Errorf("line %d is %q, want %q", i, got, want)
		}
	}
}
