package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hermes/internal/volume"
)

func lines(t *testing.T, j *Journal) (all []string) {
	t.Helper()
	if err := j.Read(func(line []byte) { all = append(all, string(line)) }); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestWhatWasAppendedIsReadInOrder(t *testing.T) {
	j := New(volume.At(filepath.Join(t.TempDir(), "logs")), "audit.log")
	if got := lines(t, j); len(got) != 0 {
		t.Errorf("a journal that nobody wrote has %q", got)
	}
	for i := range 3 {
		if err := j.Append(map[string]int{"n": i}, map[string]int{"n": 10 + i}); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := strings.Join(lines(t, j), ""), `{"n":0}{"n":10}{"n":1}{"n":11}{"n":2}{"n":12}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestAJournalDoesNotGrowOverItsLimit(t *testing.T) {
	dir := t.TempDir()
	j := New(volume.At(dir), "audit.log")
	long := strings.Repeat("x", 100<<10)
	for i := range 40 {
		if err := j.Append(fmt.Sprint(i, long)); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Size() > Limit {
			t.Errorf("%s: %v, %v", e.Name(), info.Size(), err)
		}
	}
	if got := lines(t, j); len(entries) != 2 || len(got) < 10 || !strings.HasPrefix(got[len(got)-1], `"39`) {
		t.Errorf("%d files, %d lines", len(entries), len(got))
	}
}

func TestHalfALineIsSkipped(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "audit.log"), []byte("{\"a\":1}\n{\"b\":\n\x00\xff\n{\"c\":3}\n{\"d"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(lines(t, New(volume.At(dir), "audit.log")), ""), `{"a":1}{"c":3}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestALinkInThePlaceOfTheFileIsNotFollowed(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, []byte("mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, filepath.Join(dir, "audit.log")); err != nil {
		t.Fatal(err)
	}
	j := New(volume.At(dir), "audit.log")
	if err := j.Append("x"); err == nil {
		t.Error("it wrote through a link")
	}
	if err := j.Read(func([]byte) {}); err == nil {
		t.Error("it read through a link")
	}
	if data, err := os.ReadFile(victim); err != nil || string(data) != "mine\n" {
		t.Errorf("the victim holds %q, %v", data, err)
	}
}

func TestARecordThatIsTooLargeIsRefusedAndAFileThatIsIsReadAtItsEnd(t *testing.T) {
	dir := t.TempDir()
	j := New(volume.At(dir), "audit.log")
	if err := j.Append(strings.Repeat("x", Limit)); !errors.Is(err, volume.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "audit.log"), []byte(strings.Repeat("{\"a\":1}\n", 3*Limit/8)+"{\"last\":1}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	all := lines(t, j)
	if len(all) == 0 || all[len(all)-1] != `{"last":1}` {
		t.Errorf("%d lines", len(all))
	}
}
