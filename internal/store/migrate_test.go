package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// ofSchema1 writes a database that the last version with schema 1 made. It has the sessions a, b and c.
func ofSchema1(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile("testdata/schema-1.db")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// told returns everything that the commands and pages read from a database.
func told(t *testing.T, path string) string {
	t.Helper()
	r := reader(t, path)
	var b strings.Builder
	add := func(v any, err error) {
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%+v\n", v)
	}
	list, _, err := r.Sessions(t.Context(), "", 0, 10)
	add(list, err)
	list, _, err = r.Sessions(t.Context(), "gOOd", 0, 10)
	add(list, err)
	for _, id := range []string{"a", "b", "c"} {
		all, _, err := r.After(t.Context(), id, 0)
		add(all, err)
		all, _, err = r.Transcript(t.Context(), id, 0, 10)
		add(all, err)
	}
	days, err := r.Usage(t.Context(), time.Time{})
	add(days, err)
	broken, err := r.Interrupted(t.Context(), 10)
	add(broken, err)
	gone, err := r.Prunable(t.Context(), Retention{MaxMessages: 2}, time.Now())
	add(gone, err)
	return b.String()
}

func TestAnOldDatabaseIsReadAsItIsAndUpgradedByAGateway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hermes.db")
	ofSchema1(t, path)
	before := told(t, path)
	if want := "What is 6 times 7?"; !strings.Contains(before, want) || !strings.Contains(before, "Grüß Gott") {
		t.Fatalf("read %s", before)
	}
	s := mustOpen(t, path)
	if after := told(t, path); after != before {
		t.Errorf("before the upgrade:\n%s\nafter it:\n%s", before, after)
	}
	if got, err := s.History(t.Context(), "c", 1<<20); err != nil || len(got) != 3 || got[1].Content != "Grüß Gott" || got[1].Parts != nil || got[0].Origin != (Origin{}) {
		t.Errorf("%+v %v", got, err)
	}
	if err := s.Append(t.Context(), "c", Message{Role: "user", Content: "x", Parts: everyPart, Origin: Origin{Channel: "test", Key: "1"}}); err != nil {
		t.Error(err)
	}
	if err := Check(t.Context(), path); err != nil {
		t.Error(err)
	}
}

// TestSessionsOfAnOldDatabaseCanBeRemoved: no gateway has migrated the database yet.
func TestSessionsOfAnOldDatabaseCanBeRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hermes.db")
	ofSchema1(t, path)
	e := editor(t, path)
	if got, err := e.Delete(t.Context(), "b"); err != nil || got != (Removed{1, 2}) {
		t.Errorf("%+v %v", got, err)
	}
	if got, err := e.Prune(t.Context(), Retention{MaxMessages: 2}, time.Now()); err != nil || got != (Removed{0, 1}) {
		t.Errorf("%+v %v", got, err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := mustOpen(t, path).History(t.Context(), "c", 1<<20)
	if err != nil || len(got) != 2 {
		t.Errorf("%+v %v", got, err)
	}
}

// TestACurrentDatabaseIsNotMigrated: a start with a current database reads only user_version.
func TestACurrentDatabaseIsNotMigrated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hermes.db")
	s := mustOpen(t, path)
	// Without its table goose would fail, so Open must not run goose.
	if _, err := s.db.Exec("DROP TABLE goose_db_version"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = mustOpen(t, path)
	var n int
	if err := s.db.QueryRow("SELECT count(*) FROM sqlite_schema WHERE name = 'goose_db_version'").Scan(&n); err != nil || n != 0 {
		t.Errorf("a start looked for migrations: %d, %v", n, err)
	}
}

var everyPart = []Part{
	{Kind: KindReasoning, Text: "hm"},
	{Kind: KindText, Text: "x"},
	{Kind: KindImage, MediaType: "image/png", Data: []byte{0, 1, 2}},
	{Kind: KindToolCall, Call: "c1", Tool: "zoom", Text: `{"by":2}`},
	{Kind: KindToolResult, Call: "c1", Text: "no such picture", Failed: true},
}

func TestPartsAndOriginAreKeptAndReasoningIsNotToldAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hermes.db")
	s := mustOpen(t, path)
	from := Origin{Channel: "telegram", Chat: "c", Thread: "t", Sender: "me", Key: "17"}
	texts := []Part{{Kind: KindText, Text: "one"}, {Kind: KindText, Text: "two"}}
	err := s.Append(t.Context(), "a",
		Message{Role: "user", Content: "plain"},
		Message{Role: "assistant", Content: "thought", Parts: []Part{{Kind: KindReasoning, Text: "hm"}, {Kind: KindText, Text: "thought"}}},
		Message{Role: "user", Content: "x", Parts: everyPart, Origin: from},
		Message{Role: "assistant", Content: "onetwo", Parts: texts})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.History(t.Context(), "a", 1<<20)
	if err != nil || len(got) != 4 || got[0].Parts != nil || got[1].Parts != nil || got[1].Content != "thought" || got[2].Origin != from ||
		!reflect.DeepEqual(got[2].Parts, everyPart[1:]) || !reflect.DeepEqual(got[3].Parts, texts) {
		t.Errorf("%+v %v", got, err)
	}
	var reasoning int
	if err := s.db.QueryRow("SELECT count(*) FROM parts WHERE kind = 'reasoning' AND text = 'hm'").Scan(&reasoning); err != nil || reasoning != 2 {
		t.Errorf("%d reasonings are kept, %v", reasoning, err)
	}
	// What the parts need beside their words counts towards the limit too.
	if got, err := s.History(t.Context(), "a", len("onetwo")+len(texts)+10); err != nil || len(got) != 1 {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := editor(t, path).Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	var left int
	if err := s.db.QueryRow("SELECT count(*) FROM parts").Scan(&left); err != nil || left != 0 {
		t.Errorf("%d parts are left of a deleted session, %v", left, err)
	}
}

func TestAChatHasNoMessageTwice(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "hermes.db"))
	add := func(session string, o Origin) error {
		return s.Append(t.Context(), session, Message{Role: "user", Content: "hi", Origin: o})
	}
	o := Origin{Channel: "telegram", Chat: "c", Key: "17"}
	if err := add("a", o); err != nil {
		t.Fatal(err)
	}
	if err := add("b", o); !errors.Is(err, ErrDouble) {
		t.Errorf("%v", err)
	}
	for _, other := range []Origin{{}, {}, {Channel: "telegram", Chat: "d", Key: "17"}, {Channel: "matrix", Chat: "c", Key: "17"}, {Channel: "telegram", Chat: "c"}, {Channel: "telegram", Chat: "c"}} {
		if err := add("a", other); err != nil {
			t.Errorf("%+v: %v", other, err)
		}
	}
	if got, err := s.History(t.Context(), "b", 1<<20); err != nil || len(got) != 0 {
		t.Errorf("%+v %v", got, err)
	}
}
