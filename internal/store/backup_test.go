package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"hermes/internal/volume"
)

func TestABackupOfADatabaseInUseIsWholeAndPrivate(t *testing.T) {
	dir := t.TempDir()
	from := filepath.Join(dir, "hermes.db")
	s := mustOpen(t, from)
	stop, stopped := make(chan struct{}), make(chan error)
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			// The writer adds two messages in one transaction, so a copy must have both or neither.
			text := fmt.Sprint(i)
			if err := s.Append(t.Context(), "a", Message{Role: "user", Content: text}, Message{Role: "assistant", Content: text}); err != nil {
				stopped <- err
				return
			}
		}
	}()
	for i := range 5 {
		to := filepath.Join(dir, fmt.Sprintf("odd ?%%25 '%d'.db", i))
		if err := Backup(t.Context(), from, to); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
			t.Error(info.Mode(), err)
		}
		c, err := Open(t.Context(), to)
		if err != nil {
			t.Fatal(err)
		}
		msgs, err := c.History(t.Context(), "a", 1<<20)
		if err != nil || len(msgs)%2 != 0 || len(msgs) > 0 && msgs[len(msgs)-1].Content != msgs[len(msgs)-2].Content {
			t.Error(len(msgs), err)
		}
		c.Close()
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestABackupReadsOnlyAFileAndOverwritesNothing(t *testing.T) {
	dir := t.TempDir()
	from := filepath.Join(dir, "hermes.db")
	mustOpen(t, from)
	link := filepath.Join(dir, "link")
	if err := os.Symlink(from, link); err != nil {
		t.Skip(err)
	}
	if err := Backup(t.Context(), link, filepath.Join(dir, "a")); !errors.Is(err, volume.ErrNotRegular) {
		t.Error(err)
	}
	if err := Backup(t.Context(), filepath.Join(dir, "gone"), filepath.Join(dir, "a")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if err := Backup(t.Context(), from, link); !errors.Is(err, os.ErrExist) {
		t.Error(err)
	}
	bad := filepath.Join(dir, "bad")
	if err := os.WriteFile(bad, []byte("this is no database at all, but it is long enough to be read as one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Backup(t.Context(), bad, filepath.Join(dir, "b")); err == nil {
		t.Error("copied")
	}
	if err := os.WriteFile(filepath.Join(dir, "empty"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Backup(t.Context(), filepath.Join(dir, "empty"), filepath.Join(dir, "c")); err != nil {
		t.Error(err)
	}
}
