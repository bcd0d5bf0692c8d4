package live

import (
	"slices"
	"time"

	"hermes/internal/fleet"
	"hermes/internal/profile"
)

// page says what the screen shows.
type page int

const (
	pageTable page = iota
	pageLog
	pageHelp
)

// maxLog is how many lines of a log are kept for scrolling back.
const maxLog = 2000

// model is the content of the screen. It does not use the terminal.
type model struct {
	title  string
	color  bool
	rows   []fleet.View
	looked time.Time // when rows were taken
	page   page
	chosen profile.Name // the gateway that the keys act on
	top    int          // the first row on the screen
	asking bool         // whether the user is asked to confirm the end
	ending bool
	notice string
	bad    bool // notice reports a failure

	log     []string
	logOf   profile.Name
	logBack int // how many lines of the log are below the screen
}

// show replaces the rows.
func (m *model) show(rows []fleet.View, now time.Time) {
	m.rows, m.looked = rows, now
	if m.index() < 0 && len(rows) > 0 {
		m.chosen = rows[0].Profile
	}
}

// index returns the index of the chosen row, or -1.
func (m *model) index() int {
	return slices.IndexFunc(m.rows, func(v fleet.View) bool { return v.Profile == m.chosen })
}

// move chooses the row that is this many rows further down.
func (m *model) move(by int) {
	if len(m.rows) == 0 {
		return
	}
	m.chosen = m.rows[min(max(m.index()+by, 0), len(m.rows)-1)].Profile
	m.say(false, "") // the notice was about the row chosen before
}

// scroll scrolls the log; a positive back goes towards older lines.
func (m *model) scroll(back, height int) {
	m.logBack = min(max(m.logBack+back, 0), max(0, len(m.log)-height))
}

// add adds lines to the log. If the user has scrolled back, the screen keeps showing the same lines.
func (m *model) add(lines []string) {
	m.log = append(m.log, lines...)
	if m.logBack > 0 {
		m.logBack += len(lines)
	}
	if over := len(m.log) - maxLog; over > 0 {
		m.log = slices.Delete(m.log, 0, over)
		m.logBack = min(m.logBack, len(m.log))
	}
}

// up counts the running and the ready gateways.
func (m *model) up() (running, ready int) {
	for _, v := range m.rows {
		if v.Up() {
			running++
		}
		if v.Ready {
			ready++
		}
	}
	return running, ready
}

func (m *model) say(bad bool, text string) { m.notice, m.bad = text, bad }
