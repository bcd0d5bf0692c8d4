// Package notify lets a program add and remove fsnotify watches in the goroutine that receives the events, without a deadlock.
package notify

import "github.com/fsnotify/fsnotify"

// Errors receives the errors of a watcher until it is closed, and passes them on. If the channel is full, it drops an error: every
// error means the same to the receiver, which has to look at everything again.
//
// fsnotify 1.9 sends an error while it holds the lock that Add and Remove need, for example after a watched directory was renamed
// and deleted. A goroutine that both receives the errors and calls Add would wait for ever.
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
