package boot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"hermes/internal/volume"
)

var now = time.Date(2026, 11, 5, 4, 3, 2, 0, time.FixedZone("", 3600))

func readLog(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestTheBootLogIsTheContracts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	for _, o := range [][]Outcome{{{"coder", "running", Started, ""}, {"b", "none", Registered, ""}}, {{"Bad Name", "unknown", Skipped, "it is\n\"bad\""}}} {
		if err := writeBootLog(volume.At(dir), now, o); err != nil {
			t.Fatal(err)
		}
	}
	want := `2026-11-05T03:03:02Z profile=coder prior_state=running action=started
2026-11-05T03:03:02Z profile=b prior_state=none action=registered
2026-11-05T03:03:02Z profile="Bad Name" prior_state=unknown action=skipped reason="it is\n\"bad\""
`
	if got := readLog(t, filepath.Join(dir, bootLogName)); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestALineOfTheBootLogCanBeReadBackWhateverADirectoryIsCalled(t *testing.T) {
	root := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
		o := Outcome{Profile: name.Draw(rt, "profile"), PriorState: name.Draw(rt, "prior"), Action: Skipped, Reason: name.Draw(rt, "reason")}
		dir, err := os.MkdirTemp(root, "")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(dir)
		if err := writeBootLog(volume.At(dir), now, []Outcome{o}); err != nil {
			rt.Fatal(err)
		}
		line, more, _ := strings.Cut(readLog(t, filepath.Join(dir, bootLogName)), "\n")
		if more != "" {
			rt.Fatalf("more than a line for %q: %q", o, more)
		}
		if strings.ContainsFunc(line, func(r rune) bool {
			return r == unicode.ReplacementChar && !strings.Contains(line, "\uFFFD") || unicode.IsControl(r)
		}) {
			rt.Fatalf("%q reaches a terminal", line)
		}
		f := parseLine(t, line)
		if f["profile"] != o.Profile || f["prior_state"] != o.PriorState || f["reason"] != o.Reason || f["action"] != "skipped" {
			rt.Fatalf("%+v became %q", o, line)
		}
	})
}

func TestTheBootLogIsRotatedBeforeItGrowsOverItsLimit(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, bootLogName)
	line := []Outcome{{"coder", "running", Started, ""}}
	if err := writeBootLog(volume.At(dir), now, line); err != nil {
		t.Fatal(err)
	}
	size := len(readLog(t, path))
	old := strings.Repeat("x", bootLogLimit-size)
	for _, c := range []struct {
		before  string
		rotated bool
	}{{old, false}, {old + "y", true}} {
		if err := os.WriteFile(path, []byte(c.before), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := writeBootLog(volume.At(dir), now, line); err != nil {
			t.Fatal(err)
		}
		_, err := os.Stat(path + ".1")
		if (err == nil) != c.rotated {
			t.Fatalf("%d bytes before: rotated %v, want %v", len(c.before), err == nil, c.rotated)
		}
		if c.rotated && (len(readLog(t, path)) != size || readLog(t, path+".1") != c.before) {
			t.Error("rotation lost something")
		}
	}
	// The second rotation replaces the archive of the first.
	if err := os.WriteFile(path, []byte(old+"zz"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writeBootLog(volume.At(dir), now, line); err != nil || readLog(t, path+".1") != old+"zz" {
		t.Errorf("second rotation: %v", err)
	}
}
