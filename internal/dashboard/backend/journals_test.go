package backend

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
	"hermes/internal/profile"
)

// TestNobodyPushesALoginOutOfTheRecord, however much they do and however long their words are.
func TestNobodyPushesALoginOutOfTheRecord(t *testing.T) {
	store := profile.NewStore(t.TempDir())
	j := NewJournals(store, slog.New(slog.DiscardHandler))
	who := access.Visitor{Name: "eve", Address: "192.0.2.1"}
	j.Record(who, "login", "", "by password", nil)
	j.Record(who, "delete", "coder", "", nil)
	long := strings.Repeat("x", 1<<20)
	for range 8000 {
		j.Record(access.Visitor{Name: long, Address: "192.0.2.1"}, "settings: soul", long, long, nil)
	}
	events, err := j.Events("actions")
	if err != nil {
		t.Fatal(err)
	}
	if len(events) != ShownEvents {
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
	err = j.weighty.Read(func(line []byte) {
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
		if info, err := os.Stat(filepath.Join(store.Root(), "logs", name)); err != nil || info.Size() > journal.Limit {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

// TestAReasonOfAnyLengthKeepsNoChangeOutOfTheRecord: a gateway's own file says why it ended.
func TestAReasonOfAnyLengthKeepsNoChangeOutOfTheRecord(t *testing.T) {
	long := strings.Repeat("x", 300<<10)
	j := NewJournals(profile.NewStore(t.TempDir()), slog.New(slog.DiscardHandler))
	coder, err := profile.ParseName("coder")
	if err != nil {
		t.Fatal(err)
	}
	other, err := profile.ParseName("other")
	if err != nil {
		t.Fatal(err)
	}
	if err := j.recordChanges([]fleet.Change{{Profile: coder, To: "failed", Reason: long}, {Profile: other, To: "running"}}); err != nil {
		t.Fatal(err)
	}
	past := j.pastChanges()
	if len(past) != 2 || len(past[0].Reason) > 2*maxField || past[1].To != "running" {
		t.Errorf("%d changes are recorded", len(past))
	}
}

// TestALaterFloodHidesNoLogin: the latest logins are among what is shown, however much else happened since.
func TestALaterFloodHidesNoLogin(t *testing.T) {
	begun := time.Unix(1_800_000_000, 0)
	at := func(n int, from time.Time) (list []Event) {
		for i := range n {
			list = append(list, Event{Time: from.Add(time.Duration(i) * time.Second), Action: &Action{}})
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
