package cli

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/term"
)

const (
	// progressAfter is how long a command takes before its progress is shown.
	progressAfter = time.Second
	// progressEvery is how often the progress is shown from then on.
	progressEvery = 200 * time.Millisecond
)

// progress shows on a terminal how far a command is that goes through files. The command calls tell as often as it likes with the
// numbers so far, and done when it is over. If standard error is no terminal tell is nil, and nothing is shown.
func (a *app) progress(what string) (tell func(files int, bytes int64), done func()) {
	f, ok := a.raw.Err.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || a.format == "json" {
		return nil, func() {}
	}
	var files, bytes atomic.Int64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		wait, shown := time.NewTimer(progressAfter), false
		defer wait.Stop()
		for {
			select {
			case <-stop:
				if shown {
					fmt.Fprint(f, "\r\x1b[K")
				}
				return
			case <-wait.C:
				fmt.Fprintf(f, "\r\x1b[K%s: %d files, %s", what, files.Load(), size(bytes.Load()))
				shown = true
				wait.Reset(progressEvery)
			}
		}
	}()
	return func(n int, b int64) { files.Store(int64(n)); bytes.Store(b) }, func() { close(stop); <-stopped }
}

// size shows a number of bytes.
func size(bytes int64) string {
	switch {
	case bytes >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(bytes)/1e9)
	case bytes >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
	}
	return fmt.Sprintf("%.1f kB", float64(bytes)/1e3)
}
