package dashboard

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hermes/internal/dashboard/access"
	"hermes/internal/journal"
)

// TestNobodyPushesALoginOutOfTheRecord, however much they do and however long their words are.
func TestNobodyPushesALoginOutOfTheRecord(t *testing.T) {
	f := home(t, nil)
	s := newSite(f, slog.New(slog.DiscardHandler))
	who := access.Visitor{Name: "eve", Address: "192.0.2.1"}
	s.record(who, "login", "", "by password", nil)
	s.record(who, "delete", "coder", "", nil)
	long := strings.Repeat("x", 1<<20)
	for range 8000 {
		s.record(access.Visitor{Name: long, Address: "192.0.2.1"}, "settings: soul", long, long, nil)
	}
	events, err := s.events("actions")
	if err != nil {
		t.Fatal(err)
	}
	if len(events) != shownEvents {
		t.Errorf("%d events are shown", len(events))
	}
	seen := map[string]bool{}
	err = s.weighty.Read(func(line []byte) {
		for _, action := range []string{"login", "delete"} {
			if strings.Contains(string(line), `"action":"`+action+`"`) {
				seen[action] = true
			}
		}
	})
	if err != nil || len(seen) != 2 {
		t.Errorf("what matters is gone: %v, %v", seen, err)
	}
	for _, name := range []string{"audit.log", "audit.log.1", "audit-weighty.log"} {
		if info, err := os.Stat(filepath.Join(f.Store.Root(), "logs", name)); err != nil || info.Size() > journal.Limit {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}
