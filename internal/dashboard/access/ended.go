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
	// endedName is the file in HERMES_HOME that lists sessions that visitors have logged out of, and links that were used.
	endedName = ".dashboard_ended.json"
	// maxEnded is how many of them the list has at most. If there are more, the oldest are dropped, and every session that began before the
	// newest of those is ended, too.
	maxEnded = 5000
	// maxEndedFile is the largest file that is read, in bytes.
	maxEndedFile = 1 << 20
)

// ended is the list of sessions and links that are worthless although their time is not over. If there is a home, the list is kept there,
// and survives a restart.
type ended struct {
	home volume.Dir // with the zero Dir the list is not kept
	now  func() time.Time

	mu    sync.Mutex
	until map[string]time.Time // by ID, when it would have ended by itself
	floor time.Time            // whatever began before this time is ended
}

type endedFile struct {
	Until map[string]time.Time `json:"until"`
	Floor time.Time            `json:"floor,omitzero"`
}

// newEnded reads the list from the home. If the file cannot be read, every session is ended: otherwise somebody who has logged out would be
// logged in again.
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
		e.floor = now()
		return e, e.keep()
	}
	// The file may have times far in the future, if a clock was wrong or the file is from elsewhere. They are cut: a floor in the future
	// would keep everybody out.
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

// add puts a session or a link into the list. first is false if it was there already. The error is about keeping the list in the home.
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

// bound drops the oldest half of the list if it is too long.
func (e *ended) bound() {
	if n := len(e.until); n > maxEnded {
		e.forget(n - maxEnded/2)
	}
}

// purge drops what would have ended by itself by now.
func (e *ended) purge() {
	now := e.now()
	for id, until := range e.until {
		if now.After(until) {
			delete(e.until, id)
		}
	}
}

// forget drops the n that would end first, and moves the floor up, so that every session that began before them is ended, too.
func (e *ended) forget(n int) {
	ids := make([]string, 0, len(e.until))
	for id := range e.until {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int { return e.until[a].Compare(e.until[b]) })
	now := e.now()
	for _, id := range ids[:n] {
		issued := e.until[id].Add(-ageLimit)
		if issued.After(now) { // it is a link, whose time in the list is longer than a session lasts
			issued = now
		}
		if issued.After(e.floor) {
			e.floor = issued
		}
		delete(e.until, id)
	}
}

// has reports whether a session that began at a time is in the list, or began before the floor.
func (e *ended) has(id string, issued time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, ok := e.until[id]
	return ok || !issued.After(e.floor)
}

// keep writes the list into the home.
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
