package dashboard

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"time"

	"hermes/internal/doctor"
	"hermes/internal/fleet"
	"hermes/internal/journal"
)

const (
	// shownEvents is how much of the journals a page shows.
	shownEvents = 500
	// shownWeighty is how many of them are logins, and what was made, renamed or deleted, however much else there was since.
	shownWeighty = 100
)

// event is something that was done, or that happened.
type event struct {
	Time   time.Time
	Action *entry
	Change *fleet.Change
}

// activity shows who did what, and what the gateways did, the latest first.
func (s *site) activity(w http.ResponseWriter, r *http.Request) {
	events, err := s.events(r.URL.Query().Get("only"))
	s.render(w, r, http.StatusOK, activityPage(s.frame(r, "Activity", "activity"), events, r.URL.Query().Get("only"), err))
}

func (s *site) events(only string) ([]event, error) {
	var all, apart []event
	var errs [2]error
	if only != "states" {
		for log, to := range map[*journal.Journal]*[]event{s.audit: &all, s.weighty: &apart} {
			errs[0] = errors.Join(errs[0], log.Read(func(line []byte) {
				var e entry
				if json.Unmarshal(line, &e) == nil {
					*to = append(*to, event{Time: e.Time, Action: &e})
				}
			}))
		}
	}
	if only != "actions" {
		errs[1] = s.states.Read(func(line []byte) {
			var c fleet.Change
			if json.Unmarshal(line, &c) == nil {
				all = append(all, event{Time: c.Time, Change: &c})
			}
		})
	}
	return latest(all, apart), errors.Join(errs[:]...)
}

// latest returns the latest events, the last one first: shownEvents of them, and among those shownWeighty that are kept apart if
// there are so many.
func latest(all, apart []event) []event {
	last := func(a, b event) int { return b.Time.Compare(a.Time) }
	slices.SortStableFunc(apart, last)
	slices.SortStableFunc(all, last)
	sure := apart[:min(len(apart), shownWeighty)]
	rest := slices.Concat(apart[len(sure):], all)
	slices.SortStableFunc(rest, last)
	all = slices.Concat(sure, rest[:min(len(rest), shownEvents-len(sure))])
	slices.SortStableFunc(all, last)
	return all
}

// bootLog shows what the boots of the container did.
func (s *site) bootLog(w http.ResponseWriter, r *http.Request) {
	lines, err := s.boots()
	s.render(w, r, http.StatusOK, bootPage(s.frame(r, "Boot log", "boot"), lines, err))
}

// boots returns the lines of the boot log, the latest first. Where nothing boots there is none.
func (s *site) boots() ([]string, error) {
	data, err := s.o.Store.Files().ReadFile("logs/container-boot.log", 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(printableLines(string(data))), "\n")
	slices.Reverse(lines)
	return lines[:min(len(lines), 2000)], nil
}

// doctor shows what is wrong, and what helps.
func (s *site) doctor(w http.ResponseWriter, r *http.Request) {
	found, err := s.examine(r, false)
	s.render(w, r, http.StatusOK, doctorPage(s.frame(r, "Doctor", "doctor"), found, err))
}

// mend does what the doctor can do without harm.
func (s *site) mend(w http.ResponseWriter, r *http.Request) {
	found, err := s.examine(r, true)
	s.record(s.visitor(r), "doctor --fix", "", "", err)
	s.render(w, r, http.StatusOK, doctorPage(s.frame(r, "Doctor", "doctor"), found, err))
}

func (s *site) examine(r *http.Request, fix bool) ([]doctor.Finding, error) {
	o, err := s.o.Doctor()
	if err != nil {
		return nil, err
	}
	found := doctor.Run(r.Context(), o)
	if fix {
		doctor.Fix(r.Context(), found)
	}
	return found, nil
}
