// Package notify makes fsnotify safe for those who add and remove watches where they take the events.
package notify

import "github.com/fsnotify/fsnotify"

// Errors takes the errors of a watcher as they come, until it is closed, and passes them on; those for which there is no
// room are dropped, for they all ask to look everywhere.
//
// fsnotify 1.9 sends an error while it holds the lock that Add and Remove need: after a watched directory was renamed and
// deleted, say. Who adds a watch at that moment, and would take the error next, waits for ever.
func Errors(w *fsnotify.Watcher) <-chan error {
	errs := make(chan error, 4)
	go func() {
		defer close(errs)
		for err := range w.Errors {
			select {
			case errs <- err:
			default:
			}
		}
	}()
	return errs
}
