package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// aged makes a session of n messages, the last of which came the given number of days after start.
func aged(t *testing.T, s *Store, id string, n, days int) {
	t.Helper()
	var list []Message
	for i := range n {
		list = append(list, Message{Role: []string{"user", "assistant"}[i%2], Content: fmt.Sprintf("%s %d", id, i), Created: start.AddDate(0, 0, days)})
	}
	if err := s.Append(t.Context(), id, list...); err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.ExecContext(t.Context(), "UPDATE sessions SET updated = ? WHERE id = ?", start.AddDate(0, 0, days).UnixMilli(), id); err != nil {
		t.Fatal(err)
	}
}

func editor(t *testing.T, path string) *Editor {
	t.Helper()
	e, err := OpenEditor(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	e.batch = testBatch
	return e
}

// testBatch is small, so that a test with few messages needs several batches.
const testBatch = 10

// kept returns how many messages each session has.
func kept(t *testing.T, path string) map[string]int {
	t.Helper()
	list, _, err := reader(t, path).Sessions(t.Context(), "", 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]int{}
	for _, s := range list {
		m[s.ID] = s.Messages
	}
	return m
}

// TestPruneRemovesWhatPrunableCountedAndNothingElse, with more messages and sessions than one batch removes.
func TestPruneRemovesWhatPrunableCountedAndNothingElse(t *testing.T) {
	const day = 24 * time.Hour
	for what, c := range map[string]struct {
		keep Retention
		want map[string]int
		gone Removed
	}{
		"nothing said":      {Retention{}, map[string]int{"old": 3, "oldest": 25, "new": 12, "long": 26, "many": 25}, Removed{}},
		"age":               {Retention{MaxAge: 30 * day}, map[string]int{"new": 12, "long": 26}, Removed{27, 78}},
		"length":            {Retention{MaxMessages: 10}, map[string]int{"old": 3, "oldest": 10, "new": 10, "long": 10, "many": 25}, Removed{0, 15 + 2 + 16}},
		"both":              {Retention{MaxAge: 30 * day, MaxMessages: 10}, map[string]int{"new": 10, "long": 10}, Removed{27, 78 + 2 + 16}},
		"exactly as many":   {Retention{MaxMessages: 12}, map[string]int{"old": 3, "oldest": 12, "new": 12, "long": 12, "many": 25}, Removed{0, 13 + 14}},
		"all are younger":   {Retention{MaxAge: 1000 * day}, map[string]int{"old": 3, "oldest": 25, "new": 12, "long": 26, "many": 25}, Removed{}},
		"all are older too": {Retention{MaxAge: time.Hour}, map[string]int{}, Removed{29, 78 + 38}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "state.db")
			s := mustOpen(t, path)
			aged(t, s, "old", 3, 0)
			aged(t, s, "oldest", 25, -10)
			aged(t, s, "new", 12, 99)
			aged(t, s, "long", 26, 99)
			for i := range 25 {
				aged(t, s, fmt.Sprintf("many%d", i), 2, 1)
			}
			now := start.AddDate(0, 0, 100)
			would, err := reader(t, path).Prunable(t.Context(), c.keep, now)
			if err != nil || would != c.gone {
				t.Errorf("it would remove %+v, %v; want %+v", would, err, c.gone)
			}
			done, err := editor(t, path).Prune(t.Context(), c.keep, now)
			if err != nil || done != c.gone {
				t.Errorf("removed %+v, %v; want %+v", done, err, c.gone)
			}
			got := map[string]int{}
			for id, n := range kept(t, path) {
				if strings.HasPrefix(id, "many") {
					id, n = "many", 1
				}
				got[id] += n
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("kept %v, want %v", got, c.want)
			}
			if c.want["long"] == 10 { // these must be the newest ten
				if list, err := s.History(t.Context(), "long", 1<<20); err != nil || len(list) != 10 || list[0].Content != "long 16" || list[9].Content != "long 25" {
					t.Errorf("%+v, %v", list, err)
				}
			}
			var orphans int
			if err := s.db.QueryRowContext(t.Context(), "SELECT count(*) FROM messages WHERE session NOT IN (SELECT id FROM sessions)").Scan(&orphans); err != nil || orphans != 0 {
				t.Errorf("%d messages belong to no session, %v", orphans, err)
			}
		})
	}
}

func TestADeletedSessionLeavesNothingInTheFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := mustOpen(t, path)
	const secret = "the word is xylophone"
	for _, id := range []string{"mine", "other"} {
		for i := range 150 {
			text := strings.Repeat("padding ", 20) + fmt.Sprint(i)
			if id == "mine" {
				text = secret + text
			}
			if err := s.Append(t.Context(), id, Message{Role: "user", Content: text}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := s.db.ExecContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	before := size(t, path)
	e := editor(t, path)
	if r, err := e.Delete(t.Context(), "mine"); err != nil || r != (Removed{1, 150}) {
		t.Errorf("%+v, %v", r, err)
	}
	var none *NoSessionError
	if _, err := e.Delete(t.Context(), "mine"); !errors.As(err, &none) || none.ID != "mine" {
		t.Errorf("once more: %v", err)
	}
	if got := kept(t, path); len(got) != 1 || got["other"] != 150 {
		t.Errorf("%v", got)
	}
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(path + suffix)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte("xylophone")) {
			t.Errorf("state.db%s still has what was said", suffix)
		}
	}
	if after := size(t, path); after > before*3/4 {
		t.Errorf("the file had %d bytes and has %d", before, after)
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// TestAGatewayWritesWhileSessionsAreRemoved: none of its messages is lost, and no write waits too long.
func TestAGatewayWritesWhileSessionsAreRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := mustOpen(t, path)
	for i := range 5 {
		aged(t, s, fmt.Sprint("old", i), 20, 0)
	}
	e := editor(t, path)
	ctx, stop := context.WithCancel(t.Context())
	wrote := make(chan int, 1)
	go func() {
		n := 0
		for ctx.Err() == nil {
			if err := s.Append(t.Context(), "now", Message{Role: "user", Content: "hi"}); err != nil {
				t.Errorf("after %d: %v", n, err)
				break
			}
			n++
		}
		wrote <- n
	}()
	r, err := e.Prune(t.Context(), Retention{MaxAge: 24 * time.Hour}, start.AddDate(0, 0, 10))
	stop()
	n := <-wrote
	if err != nil || r != (Removed{5, 100}) {
		t.Errorf("%+v, %v", r, err)
	}
	if got := kept(t, path); len(got) != 1 || got["now"] != n || n == 0 {
		t.Errorf("%v, and %d were written", got, n)
	}
}

// TestAnAnswerBringsNoDeletedSessionBack: the session is deleted while the model works on the answer.
func TestAnAnswerBringsNoDeletedSessionBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := mustOpen(t, path)
	if err := s.Append(t.Context(), "a", Message{Role: "user", Content: "q"}); err != nil {
		t.Fatal(err)
	}
	if _, err := editor(t, path).Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), "a", Message{Role: "assistant", Content: "a"}); err != nil {
		t.Fatal(err)
	}
	if got := kept(t, path); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if err := s.Append(t.Context(), "a", Message{Role: "user", Content: "again"}, Message{Role: "assistant", Content: "yes"}); err != nil {
		t.Fatal(err)
	}
	if got := kept(t, path); got["a"] != 2 {
		t.Errorf("%v", got)
	}
}

// TestAnInterruptedPruneIsFinishedByTheNext: the second prune removes the rest, and neither removes a message that is to be kept.
func TestAnInterruptedPruneIsFinishedByTheNext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := mustOpen(t, path)
	for i := range 5 {
		aged(t, s, fmt.Sprint("old", i), 45, 0)
	}
	aged(t, s, "new", 5, 100)
	keep, now := Retention{MaxAge: 24 * time.Hour}, start.AddDate(0, 0, 100)
	for i := range 100 {
		ctx, stop := context.WithTimeout(t.Context(), time.Duration(i)*5*time.Millisecond)
		_, err := editor(t, path).Prune(ctx, keep, now)
		stop()
		if got := kept(t, path); got["new"] != 5 {
			t.Fatalf("%v", got)
		}
		if err == nil {
			break
		}
	}
	if got := kept(t, path); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

func TestAnEditorMakesNoDatabaseAndTouchesNoOther(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.db")
	if _, err := OpenEditor(t.Context(), path); !Missing(err) {
		t.Errorf("%v", err)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("it made one")
	}
	s := mustOpen(t, path)
	if _, err := s.db.ExecContext(t.Context(), "PRAGMA user_version = 999"); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenEditor(t.Context(), path); err == nil || !strings.Contains(err.Error(), "start the profile's gateway") {
		t.Errorf("%v", err)
	}
	for _, statement := range []string{fmt.Sprintf("PRAGMA user_version = %d", schema), "PRAGMA application_id = 1", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if _, err := s.db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := OpenEditor(t.Context(), path); !errors.Is(err, ErrForeign) {
		t.Errorf("another program's: %v", err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	if _, err := OpenEditor(t.Context(), link); err == nil {
		t.Error("it followed a link")
	}
}

func TestASessionIsReadForwardsInPagesOfALimitedSize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := mustOpen(t, path)
	large := strings.Repeat("x", pageBytes)
	for i := range 7 {
		text := fmt.Sprint(i)
		if i%3 == 1 {
			text += large
		}
		if err := s.Append(t.Context(), "a", Message{Role: "user", Content: text}); err != nil {
			t.Fatal(err)
		}
	}
	r := reader(t, path)
	for last, want := range map[int]string{3: "456", 7: "0123456", 100: "0123456", 1: "6"} {
		after, err := r.LastOf(t.Context(), "a", last)
		got, pages := "", 0
		for more := true; more && err == nil; pages++ {
			var list []Message
			if list, after, err = r.After(t.Context(), "a", after); len(list) > 3 {
				t.Errorf("a page of %d", len(list))
			}
			more = len(list) > 0
			for _, m := range list {
				got += m.Content[:1]
			}
		}
		if err != nil || got != want {
			t.Errorf("the last %d: %q, %v; want %q", last, got, err, want)
		}
	}
	if list, _, err := r.After(t.Context(), "none", 0); err != nil || len(list) != 0 {
		t.Errorf("%v %v", list, err)
	}
}

// TestAReaderDoesNotKeepAGatewayFromWriting: while a reader reads for long, a removal goes on without emptying the log.
func TestAReaderDoesNotKeepAGatewayFromWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := mustOpen(t, path)
	aged(t, s, "old", 5, 0)
	aged(t, s, "new", 5, 100)
	rows, err := reader(t, path).db.QueryContext(t.Context(), "SELECT content FROM messages")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if !rows.Next() {
		t.Fatal(rows.Err())
	}
	if r, err := s.Prune(t.Context(), Retention{MaxAge: 24 * time.Hour}, start.AddDate(0, 0, 100)); err != nil || r != (Removed{1, 5}) {
		t.Errorf("%+v, %v", r, err)
	}
	var wait int
	if err := s.db.QueryRowContext(t.Context(), "PRAGMA busy_timeout").Scan(&wait); err != nil || wait != busyTimeout {
		t.Errorf("a statement waits for %d ms from now on, %v", wait, err)
	}
	if err := s.Append(t.Context(), "new", Message{Role: "user", Content: "x"}); err != nil {
		t.Error(err)
	}
}
