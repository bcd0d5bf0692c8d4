package logs

import (
	"strings"
	"time"
	"unicode"

	"hermes/internal/localtime"
	"hermes/internal/profile"
)

// Line is one line of a gateway's log.
type Line struct {
	Profile profile.Name `json:"profile"`
	// Time is when the logger got the line, in UTC; zero if the line does not say.
	Time time.Time `json:"time,omitzero"`
	// Text is the line without its time.
	Text string `json:"line"`

	raw string
	at  time.Time // Time, or that of the line before: where the line belongs among others
}

// Raw returns the line as it stands in the file.
func (l Line) Raw() string { return l.raw }

// Shown returns the line for people: its time in a zone (see localtime.Format), and its text.
func (l Line) Shown(zone *time.Location) string {
	if l.Time.IsZero() {
		return l.raw
	}
	return localtime.Format(l.Time, zone) + stampGap + l.Text
}

// A line begins with what directive T of s6-log puts there, a time and two spaces. The time is UTC, and the prefix that follows
// (directive pUTC) says so. Loggers of versions before December 2026 wrote local time, and no prefix.
const (
	stampLayout = "2006-01-02 15:04:05.000000000"
	stampGap    = "  "
	stampZone   = "UTC "
)

// parseLine splits the time off a line. zone is that of a time without one.
func parseLine(n profile.Name, raw string, zone *time.Location) Line {
	l := Line{Profile: n, Text: raw, raw: raw}
	const width = len(stampLayout)
	if len(raw) < width+len(stampGap) || raw[width:width+len(stampGap)] != stampGap {
		return l
	}
	text, utc := strings.CutPrefix(raw[width+len(stampGap):], stampZone)
	if utc {
		zone = time.UTC
	}
	t, err := localtime.Parse(stampLayout, raw[:width], zone)
	if err != nil {
		return l
	}
	l.Time, l.Text = t.UTC(), text
	l.at = l.Time
	return l
}

// Printable returns a text without what a terminal would obey: control characters, among them escape,
// and marks that turn the direction of writing. Tabs stay. Bytes that are no UTF-8 become U+FFFD.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\u2028', r == '\u2029':
			return -1
		}
		return r
	}, s)
}

// PrintableLines is Printable for a text of several lines: their ends stay.
func PrintableLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = Printable(l)
	}
	return strings.Join(lines, "\n")
}
