package live

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hermes/internal/fleet"
	"hermes/internal/logs"
)

// The text attributes in use (ECMA-48, SGR).
const (
	bold    = "1"
	faint   = "2"
	reverse = "7"
	red     = "31"
	green   = "32"
	yellow  = "33"
)

// column describes a column of the table.
type column struct {
	title string
	width int
	need  int // the width of the narrowest screen that shows the column
	text  func(v fleet.View, since time.Duration) string
}

var columns = []column{
	{"STATE", 14, 0, func(v fleet.View, _ time.Duration) string { return v.State }},
	{"WANT", 8, 80, func(v fleet.View, _ time.Duration) string { return string(v.Desired) }},
	{"UPTIME", 10, 48, func(v fleet.View, since time.Duration) string {
		if !v.Up() {
			return ""
		}
		return (time.Duration(v.Uptime)*time.Second + since).Truncate(time.Second).String()
	}},
	{"PID", 8, 66, func(v fleet.View, _ time.Duration) string { return number(v.PID) }},
	{"RESTARTS", 9, 90, func(v fleet.View, _ time.Duration) string { return strconv.Itoa(max(v.Restarts, 0)) }},
	{"PORT", 6, 56, func(v fleet.View, _ time.Duration) string { return number(v.Port) }},
	{"MEMORY", 9, 100, func(v fleet.View, _ time.Duration) string {
		if v.Memory == 0 {
			return ""
		}
		return fmt.Sprintf("%.1f MB", float64(v.Memory)/1e6)
	}},
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

const (
	keysOfTable = "↑↓ choose  s start  x stop  r restart  l log  ? help  q end"
	keysOfLog   = "↑↓ PgUp PgDn scroll  End newest  Esc back"
	keysOfHelp  = "any key: back"
)

var help = []string{
	"↑ ↓ k j       choose a gateway; PgUp, PgDn, Home, End too",
	"s             start it",
	"x             stop it: it stays down, also after the next `hermes up`",
	"r             restart it",
	"l, Enter      read its log",
	"q             end all gateways and this supervisor; it asks first",
	"Ctrl-C        the same without asking; a second one does not wait for running turns",
	"",
	"Everything else from another terminal: `hermes --help`. `hermes up -d` needs no terminal at all.",
}

// head and foot are the numbers of fixed lines above and below the lines that scroll.
const head, foot = 2, 2

// body returns how many lines are left for scrolling.
func body(height int) int { return max(height-head-foot, 1) }

// draw returns the lines of the screen. No line is longer than the screen is wide.
func (m *model) draw(width, height int, now time.Time) []string {
	running, ready := m.up()
	title := fmt.Sprintf("%s  %s, %d running, %d ready", m.title, gateways(len(m.rows)), running, ready)
	lines := []string{m.paint(bold, fit(title, width))}
	keys := keysOfTable
	switch m.page {
	case pageTable:
		lines = append(lines, m.table(width, body(height), now)...)
	case pageLog:
		keys = keysOfLog
		lines = append(lines, m.paint(faint, fit("log of "+m.logOf.String(), width)))
		n := body(height)
		end := len(m.log) - m.logBack
		for _, l := range m.log[max(0, end-n):max(end, 0)] {
			lines = append(lines, fit(l, width))
		}
	case pageHelp:
		keys = keysOfHelp
		lines = append(lines, "")
		for _, l := range help {
			lines = append(lines, fit(l, width))
		}
	}
	lines = lines[:min(len(lines), height-min(foot, height))]
	for len(lines) < height-foot {
		lines = append(lines, "")
	}
	notice, attribute := m.notice, ""
	switch {
	case m.asking:
		notice, attribute = fmt.Sprintf("End this supervisor and %s? They run again with the next `hermes up`. y/n", gateways(running)), yellow
	case m.ending:
		notice, attribute = fmt.Sprintf("ending: %s to go; Ctrl-C does not wait for running turns", gateways(running)), yellow
	case m.bad:
		attribute = red
	case notice == "" && m.page == pageTable && m.index() >= 0:
		notice = m.rows[m.index()].Remark() // the column for it may be outside the screen
	}
	return append(lines, m.paint(attribute, fit(notice, width)), m.paint(faint, fit(keys, width)))
}

func gateways(n int) string {
	if n == 1 {
		return "1 gateway"
	}
	return strconv.Itoa(n) + " gateways"
}

// table returns the header and as many rows as fit. The chosen row is always among them.
func (m *model) table(width, height int, now time.Time) []string {
	name := len("PROFILE")
	for _, v := range m.rows {
		name = max(name, len(v.Profile.String()))
	}
	name = min(name, max(width/3, 10)) + 2
	line := func(first string, cell func(c column) string, last string) string {
		var b strings.Builder
		b.WriteString(pad(first, name))
		for _, c := range columns {
			if width >= c.need {
				b.WriteString(pad(cell(c), c.width+1))
			}
		}
		b.WriteString(last)
		return fit(b.String(), width)
	}
	lines := []string{m.paint(faint, line("PROFILE", func(c column) string { return c.title }, ""))}
	at := max(m.index(), 0)
	m.top = min(max(m.top, at-height+1), at)
	m.top = max(0, min(m.top, len(m.rows)-height))
	since := now.Sub(m.looked)
	for i := m.top; i < len(m.rows) && i < m.top+height; i++ {
		v := m.rows[i]
		text := line(v.Profile.String(), func(c column) string { return cmp.Or(c.text(v, since), "-") }, logs.Printable(v.Remark()))
		attribute := stateColor(v)
		if i == at {
			attribute = reverse
		}
		lines = append(lines, m.paint(attribute, text))
	}
	return lines
}

func stateColor(v fleet.View) string {
	switch {
	case v.Ready:
		return green
	case v.Up():
		return yellow
	case v.Hint != "" || v.Desired == "running":
		return red
	}
	return ""
}

// paint adds an attribute to a text. Without colors it adds only attributes that are no colors.
func (m *model) paint(attribute, text string) string {
	if attribute == "" || !m.color && strings.HasPrefix(attribute, "3") {
		return text
	}
	return "\x1b[" + attribute + "m" + text + "\x1b[0m"
}

// fit cuts a line to the width of the screen and removes control characters.
func fit(s string, width int) string {
	s = strings.ReplaceAll(logs.Printable(s), "\t", "    ")
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	r := []rune(s)
	if width < 1 {
		return ""
	}
	return string(r[:width-1]) + "…"
}

// pad makes a cell as wide as its column, with at least one blank at the end.
func pad(s string, width int) string {
	s = fit(s, width-1)
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}
