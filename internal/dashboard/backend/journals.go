package backend

import (
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"hermes/internal/dashboard/access"
	"hermes/internal/fleet"
	"hermes/internal/journal"
	"hermes/internal/profile"
)

const (
	// ShownEvents is how many events Events returns at most.
	ShownEvents = 500
	// shownWeighty is how many of them are weighty actions, however many other events there were since.
	shownWeighty = 100
	// maxField is how much of a text is recorded, in bytes.
	maxField = 300
)

// weighty are the actions that have a journal of their own. Somebody who does other things very often cannot push them out of the
// record.
var weighty = map[string]bool{"login": true, "create": true, "rename": true, "delete": true}

// Journals are the records in logs/ of the root home: who did what, and what the gateways did.
type Journals struct {
	audit   *journal.Journal // all actions but the weighty ones
	weighty *journal.Journal
	states  *journal.Journal // the gateways' changes of state
	log     *slog.Logger
}

// NewJournals returns the journals of a home. Their files are made with their first records.
func NewJournals(store *profile.Store, log *slog.Logger) *Journals {
	dir := store.Files().Sub("logs")
	return &Journals{audit: journal.New(dir, "audit.log"), weighty: journal.New(dir, "audit-weighty.log"), states: journal.New(dir, "states.log"), log: log}
}

// Action is a line of the audit log: who did what to what, and what came of it.
type Action struct {
	Time    time.Time `json:"time"`
	User    string    `json:"user"`
	Address string    `json:"address,omitempty"`
	Action  string    `json:"action"`
	Target  string    `json:"target,omitempty"`
	Detail  string    `json:"detail,omitempty"`
	Result  string    `json:"result"` // ok, or why not
}

// Record writes an action into the audit log. If it cannot be written, that is logged, and the action is not undone.
func (j *Journals) Record(v access.Visitor, action, target, detail string, err error) {
	a := Action{Time: time.Now().UTC().Truncate(time.Millisecond), User: capped(v.Name), Address: v.Address, Action: action, Target: capped(target), Detail: capped(detail), Result: "ok"}
	if err != nil {
		a.Result = capped(err.Error())
	}
	to := j.audit
	if weighty[action] {
		to = j.weighty
	}
	if err := to.Append(a); err != nil {
		j.log.Error("cannot record an action", "user", v.Name, "action", action, "target", target, "error", err)
	}
	j.log.Info("action", "user", v.Name, "action", action, "target", target, "result", a.Result)
}

// capped cuts a text that a visitor, or a gateway, can make as long as they like.
func capped(s string) string {
	if len(s) <= maxField {
		return s
	}
	return strings.ToValidUTF8(s[:maxField], "") + "…"
}

// recordChanges records what gateways did. The states and the reasons come from the gateways' own files, so they are cut.
func (j *Journals) recordChanges(changes []fleet.Change) error {
	records := make([]any, len(changes))
	for i, c := range changes {
		c.From, c.To, c.Reason = capped(c.From), capped(c.To), capped(c.Reason)
		records[i] = c
	}
	return j.states.Append(records...)
}

// pastChanges returns the changes of state that earlier processes of the dashboard recorded.
func (j *Journals) pastChanges() []fleet.Change {
	var past []fleet.Change
	err := j.states.Read(func(line []byte) {
		var c fleet.Change
		if json.Unmarshal(line, &c) == nil && c.Profile != (profile.Name{}) {
			past = append(past, c)
		}
	})
	if err != nil {
		j.log.Warn("cannot read what the gateways did before", "error", err)
	}
	return past
}

// Event is one action, or one change of a gateway's state. The other is nil.
type Event struct {
	Time   time.Time
	Action *Action
	Change *fleet.Change
}

// Events returns the latest events, the last one first. only is "actions", "states", or anything else for both. What can be read is
// returned with an error, too.
func (j *Journals) Events(only string) ([]Event, error) {
	var all, apart []Event
	var errs [2]error
	if only != "states" {
		for log, to := range map[*journal.Journal]*[]Event{j.audit: &all, j.weighty: &apart} {
			errs[0] = errors.Join(errs[0], log.Read(func(line []byte) {
				var a Action
				if json.Unmarshal(line, &a) == nil {
					*to = append(*to, Event{Time: a.Time, Action: &a})
				}
			}))
		}
	}
	if only != "actions" {
		errs[1] = j.states.Read(func(line []byte) {
			var c fleet.Change
			if json.Unmarshal(line, &c) == nil {
				all = append(all, Event{Time: c.Time, Change: &c})
			}
		})
	}
	return latest(all, apart), errors.Join(errs[:]...)
}

// latest returns ShownEvents of the events, the last one first. The latest shownWeighty of apart are among them, if there are so many.
// The rest are the latest of what is left of both.
func latest(all, apart []Event) []Event {
	last := func(a, b Event) int { return b.Time.Compare(a.Time) }
	slices.SortStableFunc(apart, last)
	slices.SortStableFunc(all, last)
	sure := apart[:min(len(apart), shownWeighty)]
	rest := slices.Concat(apart[len(sure):], all)
	slices.SortStableFunc(rest, last)
	all = slices.Concat(sure, rest[:min(len(rest), ShownEvents-len(sure))])
	slices.SortStableFunc(all, last)
	return all
}
