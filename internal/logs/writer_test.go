package logs_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hermes/internal/logs"
	"hermes/internal/profile"
	"hermes/internal/volume"
)

// readAll returns the texts of a profile's log, the oldest first.
func readAll(t *testing.T, root string) (texts []string) {
	t.Helper()
	err := logs.Read(logs.Place{Root: root, Profile: profile.Default()}, logs.Query{Last: -1}, func(lines []logs.Line) error {
		for _, l := range lines {
			if l.Time.IsZero() {
				t.Errorf("line %.80q has no time", l.Text)
			}
			texts = append(texts, l.Text)
		}
		return nil
	}, func(_ profile.Name, err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func TestWhatAWriterRotatesIsReadBackInOrder(t *testing.T) {
	root := t.TempDir()
	dir := profile.NewStore(root).Home(profile.Default()).LogDir()
	w := logs.NewWriter(volume.At(dir))
	pad := strings.Repeat("x", 970)
	const lines = 5200 // over 5 MB in all
	for i := range lines {
		if err := w.Line(fmt.Appendf(nil, "%05d %s", i, pad)); err != nil {
			t.Fatal(err)
		}
		if i == 2500 { // a new process continues the log
			w.Close()
			w = logs.NewWriter(volume.At(dir))
		}
	}
	w.Close()
	got := readAll(t, root)
	if len(got) != lines {
		t.Fatalf("%d lines of %d", len(got), lines)
	}
	for i, text := range got {
		if !strings.HasPrefix(text, fmt.Sprintf("%05d ", i)) {
			t.Fatalf("line %d is %.20q", i, text)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 6 {
		t.Errorf("%d files, want current and 5 archives: %v", len(entries), err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Size() > 1_000_000 || info.Mode().Perm()&0o007 != 0 {
			t.Errorf("%s: %d bytes, mode %v, %v", e.Name(), info.Size(), info.Mode(), err)
		}
	}
}

func TestAWritersTimesAreTheMoment(t *testing.T) {
	root := t.TempDir()
	w := logs.NewWriter(profile.NewStore(root).Home(profile.Default()).Logs())
	defer w.Close()
	begun := time.Now()
	if err := w.Line([]byte("now")); err != nil {
		t.Fatal(err)
	}
	for _, zone := range []*time.Location{nil, time.UTC, time.FixedZone("", 5*60*60)} {
		lines, err := logs.Last(profile.NewStore(root).Home(profile.Default()).Logs(), 1, zone)
		if err != nil || len(lines) != 1 || lines[0].Text != "now" || lines[0].Time.Before(begun.Round(0)) || lines[0].Time.After(time.Now().Round(0)) {
			t.Errorf("in zone %v, begun at %s: %+v, %v", zone, begun.UTC(), lines, err)
		}
	}
}

func TestAWriterKeepsTenArchives(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	w := logs.NewWriter(volume.At(dir))
	defer w.Close()
	line := []byte(strings.Repeat("x", 400_000))
	for range 30 {
		if err := w.Line(line); err != nil {
			t.Fatal(err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 11 {
		t.Errorf("%d files, want 11: %v", len(entries), err)
	}
}

func TestAWriterEndsATornLineAndRefusesWhatIsNoFile(t *testing.T) {
	root := t.TempDir()
	dir := profile.NewStore(root).Home(profile.Default()).LogDir()
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "current"), []byte("2026-11-24 02:05:11.630129274  tor"), 0o644)); err != nil {
		t.Fatal(err)
	}
	w := logs.NewWriter(volume.At(dir))
	if err := w.Line([]byte("whole")); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if got := strings.Join(readAll(t, root), "|"); got != "tor|whole" {
		t.Errorf("the log is %q", got)
	}
	other := filepath.Join(t.TempDir(), "log")
	if err := errors.Join(os.MkdirAll(filepath.Join(other, "current"), 0o755)); err != nil {
		t.Fatal(err)
	}
	w = logs.NewWriter(volume.At(other))
	if err := w.Line([]byte("a")); err == nil || !strings.Contains(err.Error(), "a directory") {
		t.Errorf("a directory in its place: %v", err)
	}
	if err := w.Line([]byte("b")); err != nil {
		t.Errorf("told twice: %v", err)
	}
	if err := os.Remove(filepath.Join(other, "current")); err != nil {
		t.Fatal(err)
	}
	if err := w.Line([]byte("c")); err != nil {
		t.Fatal(err)
	}
	w.Close()
	data, err := os.ReadFile(filepath.Join(other, "current"))
	if err != nil || !strings.Contains(string(data), "  UTC 2 lines could not be written and are lost\n") || !strings.HasSuffix(string(data), "  UTC c\n") {
		t.Errorf("the log is %q, %v", data, err)
	}
}

func TestAWriterTakesText(t *testing.T) {
	root := t.TempDir()
	w := logs.NewWriter(profile.NewStore(root).Home(profile.Default()).Logs())
	for _, text := range []string{"one\n", "two\nthree\n\n", "four", "", "five\r\n"} {
		if n, err := w.Write([]byte(text)); n != len(text) || err != nil {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
	w.Close()
	if got := strings.Join(readAll(t, root), "|"); got != "one|two|three||four|five\r" && got != "one|two|three||four|five" {
		t.Errorf("%q", got)
	}
}
