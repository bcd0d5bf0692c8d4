package live

import (
	"slices"
	"time"

	"hermes/internal/fleet"
	"hermes/internal/profile"
)

// What is on the screen.
type page int

const (
	pageTable page = iota
	pageLog
	pageHelp
)

// maxLog is how many lines of a log can be scrolled back to.
const maxLog = 2000

// model is what is shown, without the terminal.
type model struct {
	title  string
	color  bool
	rows   []fleet.View
	looked time.Time // when rows were
	page   page
	chosen profile.Name // the row that keys are about
	top    int          // the first row on the screen
	asking bool         // whether to end
	ending bool
	notice string
	bad    bool // notice is about a failure

	log     []string
	logOf   profile.Name
	logBack int // how many lines above the end are shown last
}

// show takes a new picture of the gateways.
func (m *model) show(rows []fleet.View, now time.Time) {
	m.rows, m.looked = rows, now
	if m.index() < 0 && len(rows) > 0 {
		m.chosen = rows[0].Profile
	}
}

// index returns the chosen row, or -1.
func (m *model) index() int {
	return slices.IndexFunc(m.rows, func(v fleet.View) bool { return v.Profile == m.chosen })
}

// move chooses another row.
func (m *model) move(by int) {
	if len(m.rows) == 0 {
		return
	}
	m.chosen = m.rows[min(max(m.index()+by, 0), len(m.rows)-1)].Profile
	m.say(false, "") // it was about another one
}

// scroll moves in the log; back is towards older lines.
func (m *model) scroll(back, height int) {
	m.logBack = min(max(m.logBack+back, 0), max(0, len(m.log)-height))
}

// add takes lines of the log. Who has scrolled back stays where he is.
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

// up counts the gateways that run, and those that are ready.
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
