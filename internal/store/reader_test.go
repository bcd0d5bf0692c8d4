package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func filled(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hermes.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	day := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for i := range 5 {
		at := day.AddDate(0, 0, i/2)
		answer := Message{Role: "assistant", Content: fmt.Sprint("answer ", i), Created: at, Interrupted: i == 3}
		if err := s.Append(t.Context(), fmt.Sprint("s", i), Message{Role: "user", Content: fmt.Sprint("Question ", i), Created: at}, answer); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func reader(t *testing.T, path string) *Reader {
	t.Helper()
	r, err := OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func TestAReaderSeesWhatAWriterWritesAndChangesNothing(t *testing.T) {
	path := filled(t)
	r := reader(t, path)
	list, more, err := r.Sessions(t.Context(), "", 0, 3)
	if err != nil || len(list) != 3 || !more || list[0].Messages != 2 {
		t.Errorf("%+v %v %v", list, more, err)
	}
	list, more, err = r.Sessions(t.Context(), "question 3", 0, 3)
	if err != nil || len(list) != 1 || more || list[0].ID != "s3" || list[0].First != "Question 3" {
		t.Errorf("%+v %v %v", list, more, err)
	}
	if _, err := r.db.ExecContext(t.Context(), "DELETE FROM messages"); err == nil {
		t.Error("a reader can delete")
	}
	days, err := r.Usage(t.Context(), time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC))
	if err != nil || len(days) != 2 || days[0] != (Day{"2026-05-02", 2, 2}) || days[1] != (Day{"2026-05-03", 1, 1}) {
		t.Errorf("%+v %v", days, err)
	}
	broken, err := r.Interrupted(t.Context(), 10)
	if err != nil || len(broken) != 1 || broken[0].Session != "s3" || broken[0].Question != "Question 3" {
		t.Errorf("%+v %v", broken, err)
	}
}

func TestATranscriptIsReadInPagesFromItsEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hermes.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 7 {
		if err := s.Append(t.Context(), "s", Message{Role: "user", Content: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	r := reader(t, path)
	var got string
	before := int64(0)
	for pages := 1; ; pages++ {
		list, earlier, err := r.Transcript(t.Context(), "s", before, 3)
		if err != nil || pages > 3 {
			t.Fatalf("page %d: %v", pages, err)
		}
		page := ""
		for _, m := range list {
			page += m.Content
		}
		got = page + got
		if before = earlier; earlier == 0 {
			break
		}
	}
	if got != "0123456" {
		t.Errorf("read %q", got)
	}
}

func TestAReaderMakesNoDatabaseAndFollowsNoLink(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "hermes.db")
	if _, err := OpenReader(t.Context(), path); !Missing(err) {
		t.Errorf("%v", err)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("it made one")
	}
	if err := os.Symlink(filled(t), path); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenReader(context.Background(), path); err == nil {
		t.Error("it followed a link")
	}
}
