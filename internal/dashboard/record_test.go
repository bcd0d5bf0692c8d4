package dashboard

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hermes/internal/dashboard/access"
	"hermes/internal/fleet"
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
	shown := map[string]bool{}
	for _, e := range events {
		shown[e.Action.Action] = true
	}
	if !shown["login"] || !shown["delete"] {
		t.Errorf("what matters is not shown: %v", shown)
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

// TestAReasonOfAnyLengthKeepsNoChangeOutOfTheRecord: a gateway's own file says why it ended.
func TestAReasonOfAnyLengthKeepsNoChangeOutOfTheRecord(t *testing.T) {
	long := strings.Repeat("x", 300<<10)
	f := home(t, map[string]string{"coder": `{"gateway_state":"stopped"}`, "other": `{"gateway_state":"stopped"}`})
	s := newSite(f, slog.New(slog.DiscardHandler))
	if err := s.recordChanges([]fleet.Change{{Profile: mustName(t, "coder"), To: "failed", Reason: long}, {Profile: mustName(t, "other"), To: "running"}}); err != nil {
		t.Fatal(err)
	}
	past := s.past()
	if len(past) != 2 || len(past[0].Reason) > 2*maxField || past[1].To != "running" {
		t.Errorf("%d changes are recorded", len(past))
	}
}

// TestALaterFloodHidesNoLogin from who looks.
func TestALaterFloodHidesNoLogin(t *testing.T) {
	begun := time.Unix(1_800_000_000, 0)
	at := func(n int, from time.Time) (list []event) {
		for i := range n {
			list = append(list, event{Time: from.Add(time.Duration(i) * time.Second), Action: &entry{}})
		}
		return list
	}
	for _, c := range []struct{ all, apart, want, old int }{{5000, 10, 500, 10}, {5000, 5000, 500, 100}, {0, 5000, 500, 500}, {3, 2, 5, 2}, {0, 0, 0, 0}} {
		got := latest(at(c.all, begun.Add(time.Hour*24)), at(c.apart, begun))
		old := 0
		for i, e := range got {
			if e.Time.Before(begun.Add(time.Hour * 24)) {
				old++
			}
			if i > 0 && e.Time.After(got[i-1].Time) {
				t.Errorf("%+v: not the last one first", c)
			}
		}
		if len(got) != c.want || old != c.old {
			t.Errorf("%+v: %d are shown, %d of them from before", c, len(got), old)
		}
	}
}
