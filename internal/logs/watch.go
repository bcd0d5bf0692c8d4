package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/fsnotify/fsnotify"

	"hermes/internal/notify"
	"hermes/internal/profile"
	"hermes/internal/volume"
)

// watch gets the system's notifications about changes in the log directories. If a directory does not exist yet, it watches the one
// above.
type watch struct {
	place   Place
	w       *fsnotify.Watcher
	errs    <-chan error
	above   []string        // the directories above the logs, the outermost first
	base    string          // the one of above that is watched
	watched map[string]bool // log directories
	told    map[string]bool // log directories for which a warning was given
}

func newWatch(p Place) (*watch, error) {
	w, err := fsnotify.NewBufferedWatcher(256)
	if err != nil {
		return nil, fmt.Errorf("cannot follow: %w", err)
	}
	return &watch{
		place: p, w: w, errs: notify.Errors(w), watched: map[string]bool{}, told: map[string]bool{},
		above: []string{p.Root, filepath.Dir(p.dir()), p.dir()},
	}, nil
}

func (w *watch) close() { w.w.Close() }

// arm watches all directories that exist and returns the profiles whose logs are watched now and were not before. With All a log
// that cannot be watched is a warning.
func (w *watch) arm(warn Warn) ([]profile.Name, error) {
	for {
		base := w.deepest()
		if base == "" {
			return nil, fmt.Errorf("cannot follow: there is no directory %s", w.above[0])
		}
		if base != w.base {
			if w.base != "" {
				_ = w.w.Remove(w.base) // base may be gone
			}
			if err := w.w.Add(base); err != nil {
				return nil, fmt.Errorf("cannot follow: watch %s: %w", base, err)
			}
			w.base = base
		}
		// For a directory that appeared before the watch was set there will be no event, so look again.
		if w.deepest() == base {
			break
		}
	}
	names, err := w.place.names()
	if err != nil {
		return nil, fmt.Errorf("cannot follow: %w", err)
	}
	var fresh []profile.Name
	for _, n := range names {
		dir := w.place.logDir(n)
		if w.watched[dir] {
			continue
		}
		err := w.place.files().IsDir(n.String())
		if err == nil {
			if err = w.w.Add(dir); err == nil {
				w.watched[dir] = true
				fresh = append(fresh, n)
				continue
			}
			err = fmt.Errorf("watch %s: %w", dir, err)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist): // the directory is gone again
		case !w.place.All:
			return nil, fmt.Errorf("cannot follow: %w", err)
		case !w.told[dir]:
			w.told[dir] = true
			warn(n, err)
		}
	}
	return fresh, nil
}

// deepest returns the innermost existing directory above the logs, or "" if there is none.
func (w *watch) deepest() string {
	files := w.place.Files
	if files.IsZero() {
		files = volume.At(w.place.Root)
	}
	found := ""
	for i, name := range []string{".", "logs", "logs/gateways"} {
		if files.IsDir(name) != nil {
			break
		}
		found = w.above[i]
	}
	return found
}

// forget stops watching a log directory that was removed, so that a new one of the same name is watched again.
func (w *watch) forget(dir string) {
	if w.watched[dir] {
		_ = w.w.Remove(dir) // the directory may be gone
		delete(w.watched, dir)
	}
}
