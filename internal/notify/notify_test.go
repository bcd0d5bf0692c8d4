package notify

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The test renames and deletes directories while the goroutine that receives the events adds and removes their watches.
func TestWatchesMayBeAddedAndRemovedWhereEventsAreTaken(t *testing.T) {
	w, err := fsnotify.NewBufferedWatcher(16)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := w.Add(dir); err != nil {
		t.Fatal(err)
	}
	errs := Errors(w)
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case e := <-w.Events:
				_ = w.Add(e.Name) // the directory may be gone
				_ = w.Remove(e.Name)
				_ = w.Add(e.Name)
			case <-errs:
			case <-stop:
				return
			}
		}
	}()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 3000 {
			name := filepath.Join(dir, fmt.Sprint("d", i))
			if err := os.Mkdir(name, 0o700); err != nil {
				t.Error(err)
				return
			}
			_ = w.Add(name)
			if err := os.Rename(name, name+"x"); err != nil {
				t.Error(err)
				return
			}
			if err := os.Remove(name + "x"); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("adding a watch waits for ever")
	}
	close(stop)
	<-ended
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	for range errs { //nolint:revive // what is left is taken until the end
	}
}
