package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"hermes/internal/volume"
)

const (
	// endedName is the file in HERMES_HOME that remembers what is over before its time: sessions that were logged out of, and
	// links that were used.
	endedName = ".dashboard_ended.json"
	// maxEnded is how many of them are remembered. If there are more, every session older than the oldest of them is over too.
	maxEnded = 5000
	// maxEndedFile bounds the file.
	maxEndedFile = 1 << 20
)

// ended is what is over before its time. It survives a restart where there is a home to keep it in.
type ended struct {
	home volume.Dir // the zero Dir keeps nothing
	now  func() time.Time

	mu    sync.Mutex
	until map[string]time.Time // ID: when it would have ended by itself
	floor time.Time            // what was issued before that is over
}

type endedFile struct {
	Until map[string]time.Time `json:"until"`
	Floor time.Time            `json:"floor,omitzero"`
}

// newEnded reads what was remembered. A file that makes no sense ends every session: whoever logged out would be in again.
func newEnded(home volume.Dir, now func() time.Time) (*ended, error) {
	e := &ended{home: home, now: now, until: map[string]time.Time{}}
	if home.IsZero() {
		return e, nil
	}
	data, err := home.ReadFile(endedName, maxEndedFile)
	if errors.Is(err, fs.ErrNotExist) {
		return e, nil
	}
	var f endedFile
	if err == nil {
		err = json.Unmarshal(data, &f)
	}
	if err != nil {
		// Nobody can tell who logged out: everybody did.
		e.floor = now()
		return e, e.keep()
	}
	// Nothing here can last longer than from now: a time far away would keep everybody out.
	n := now()
	last := n.Add(linkGood + ageLimit)
	for id, until := range f.Until {
		if until.After(last) {
			until = last
		}
		e.until[id] = until
	}
	if e.floor = f.Floor; e.floor.After(n) {
		e.floor = n
	}
	e.purge()
	e.bound()
	return e, nil
}

// add ends something for good. The first of several callers is told so.
func (e *ended) add(id string, until time.Time) (first bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.until[id]; ok {
		return false, nil
	}
	e.until[id] = until
	if len(e.until) > maxEnded {
		e.purge()
	}
	e.bound()
	return true, e.keep()
}

// bound makes room if there are too many.
func (e *ended) bound() {
	if n := len(e.until); n > maxEnded {
		e.forget(n - maxEnded/2)
	}
}

// purge forgets what would be over by itself.
func (e *ended) purge() {
	now := e.now()
	for id, until := range e.until {
		if now.After(until) {
			delete(e.until, id)
		}
	}
}

// forget drops those that would end first, and has every session end that is as old as they.
func (e *ended) forget(n int) {
	ids := make([]string, 0, len(e.until))
	for id := range e.until {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int { return e.until[a].Compare(e.until[b]) })
	now := e.now()
	for _, id := range ids[:n] {
		issued := e.until[id].Add(-ageLimit)
		if issued.After(now) { // a link's, which ends later than a session that began with it
			issued = now
		}
		if issued.After(e.floor) {
			e.floor = issued
		}
		delete(e.until, id)
	}
}

// has reports whether something that was issued at a time is over.
func (e *ended) has(id string, issued time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, ok := e.until[id]
	return ok || !issued.After(e.floor)
}

func (e *ended) keep() error {
	if e.home.IsZero() {
		return nil
	}
	data, err := json.Marshal(endedFile{e.until, e.floor})
	if err == nil {
		err = e.home.WriteFile(endedName, data, 0o600)
	}
	if err != nil {
		return fmt.Errorf("cannot remember which sessions are over: %w", err)
	}
	return nil
}
