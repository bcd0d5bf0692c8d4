package fleet

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/fsnotify/fsnotify"

	"hermes/internal/notify"
	"hermes/internal/profile"
	"hermes/internal/service"
)

// news gathers what may have changed.
type news struct {
	f     *Fleet
	files *fsnotify.Watcher
	stop  context.CancelFunc
	tasks sync.WaitGroup
	woken chan struct{} // has room for one

	told atomic.Bool // the manager tells of changes

	mu    sync.Mutex
	dirty map[profile.Name]bool
	all   bool

	watched map[string]profile.Name // directories, and whose they are; the zero name for those of many
}

// listen begins to gather. Close what it returns.
func (f *Fleet) listen(ctx context.Context) (*news, error) {
	files, err := fsnotify.NewBufferedWatcher(512)
	if err != nil {
		return nil, fmt.Errorf("cannot watch the profiles: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	n := &news{f: f, files: files, stop: stop, woken: make(chan struct{}, 1), dirty: map[profile.Name]bool{}, watched: map[string]profile.Name{}}
	n.arm()
	errs := notify.Errors(files)
	n.tasks.Go(func() { n.followFiles(ctx, errs) })
	n.tasks.Go(func() { n.followManager(ctx) })
	return n, nil
}

func (n *news) close() {
	n.stop()
	n.files.Close()
	n.tasks.Wait()
}

// note records that something happened to a profile. The zero name means that any profile may have changed.
func (n *news) note(name profile.Name) {
	n.mu.Lock()
	if name == (profile.Name{}) {
		n.all = true
	} else {
		n.dirty[name] = true
	}
	n.mu.Unlock()
	select {
	case n.woken <- struct{}{}:
	default:
	}
}

// take returns what was noted since the last call.
func (n *news) take() (dirty []profile.Name, all bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for name := range n.dirty {
		dirty = append(dirty, name)
	}
	slices.SortFunc(dirty, func(a, b profile.Name) int { return strings.Compare(a.String(), b.String()) })
	all = n.all
	clear(n.dirty)
	n.all = false
	return dirty, all
}

// arm watches the home, the directory of the named profiles, and the home of each of them. What is watched already
// stays so. It is called by one routine at a time.
func (n *news) arm() {
	root := n.f.o.Store.Root()
	n.add(root, profile.Default())
	n.add(filepath.Join(root, "profiles"), profile.Name{})
	entries, err := n.f.o.Store.List()
	if err != nil {
		n.f.o.Log.Warn("cannot watch the profiles", "error", err)
		return
	}
	for _, e := range entries {
		if e.Err == nil && !e.Home.Name.IsDefault() {
			n.add(e.Home.Dir, e.Home.Name)
		}
	}
}

func (n *news) add(dir string, whose profile.Name) {
	if _, ok := n.watched[dir]; ok {
		return
	}
	// A directory that does not exist cannot be watched: the watch on the directory above it tells when it is made.
	if err := n.files.Add(dir); err == nil {
		n.watched[dir] = whose
	}
}

// followFiles notes what happens to the files that tell a gateway's state. Other files, such as the database, change
// with every message.
func (n *news) followFiles(ctx context.Context, errs <-chan error) {
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-n.files.Events:
			if !ok {
				return
			}
			n.file(e)
		case err, ok := <-errs:
			if !ok {
				return
			}
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				n.f.o.Log.Warn("cannot watch the profiles", "error", err)
			}
			n.arm()
			n.note(profile.Name{})
		}
	}
}

func (n *news) file(e fsnotify.Event) {
	gone := e.Op.Has(fsnotify.Remove) || e.Op.Has(fsnotify.Rename)
	if _, ok := n.watched[e.Name]; ok && gone {
		delete(n.watched, e.Name)
		_ = n.files.Remove(e.Name) // of a directory that was renamed; else it is forgotten already
		n.note(profile.Name{})
		return
	}
	if e.Op == fsnotify.Chmod {
		return
	}
	dir, name := filepath.Split(e.Name)
	whose, ok := n.watched[filepath.Clean(dir)]
	if !ok {
		return
	}
	switch {
	case whose == (profile.Name{}) || filepath.Join(n.f.o.Store.Root(), "profiles") == e.Name:
		if e.Op.Has(fsnotify.Create) || gone {
			n.arm()
			n.note(profile.Name{})
		}
	case tells(name):
		n.note(whose)
	}
}

// tells reports whether a file of a home says anything that is shown.
func tells(name string) bool {
	switch name {
	case "gateway_state.json", "metrics.json", "config.yaml", ".env", "SOUL.md":
		return true
	}
	return false
}

// followManager notes what the manager tells. Managers come and go: `hermes up` may be started after this.
func (n *news) followManager(ctx context.Context) {
	for ctx.Err() == nil {
		m := n.f.o.Manager()
		w, ok := m.(service.Watcher)
		_, hosts := m.(service.Installer)
		n.told.Store(ok && !hosts)
		if ok {
			err := w.Watch(ctx, func(id service.ID) {
				name, _ := id.Profile()
				if id == (service.ID{}) || name != (profile.Name{}) {
					n.note(name)
				}
			})
			n.told.Store(false)
			if ctx.Err() == nil && !errors.Is(err, service.ErrTellsNothing) {
				n.f.o.Log.Warn("the supervisor tells no more", "error", err)
				n.note(profile.Name{})
			}
		}
		// No manager is in charge: the gateways' own files tell all there is to know. From time to time this looks whether a manager
		// has taken charge.
		pause(ctx, unwatched)
		if (n.f.o.Manager() != nil) != n.f.Snapshot().Control {
			n.note(profile.Name{})
		}
	}
}
