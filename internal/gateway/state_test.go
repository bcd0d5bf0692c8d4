package gateway

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"testing"

	"hermes/internal/profile"
)

func TestARefusedStateIsLoggedAndLeavesTheFileAsItWas(t *testing.T) {
	h := profile.Home{Name: profile.Default(), Dir: t.TempDir()}
	var log bytes.Buffer
	f := stateFile{home: h, log: slog.New(slog.NewTextHandler(&log, nil))}
	if err := f.starting([]string{"hermes"}); err != nil {
		t.Fatal(err)
	}
	f.set(profile.StateStopped, nil)
	before, err := os.ReadFile(h.StateFile())
	if err != nil {
		t.Fatal(err)
	}
	f.set(profile.StateRunning, func(s *profile.State) { s.ActiveAgents = 3 })
	after, err := os.ReadFile(h.StateFile())
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("%v, the file became %s", err, after)
	}
	if s := log.String(); !strings.Contains(s, "gateway state refused") || !strings.Contains(s, "from=stopped to=running") {
		t.Errorf("log: %s", s)
	}
}
