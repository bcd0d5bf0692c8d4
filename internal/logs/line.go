package logs

import (
	"strings"
	"time"
	"unicode"

	"hermes/internal/profile"
)

// Line is one line of a gateway's log.
type Line struct {
	Profile profile.Name `json:"profile"`
	// Time is when the logger got the line; zero if the line does not say.
	Time time.Time `json:"time,omitzero"`
	// Text is the line without its time.
	Text string `json:"line"`

	raw string
	at  time.Time // Time, or that of the line before: where the line belongs among others
}

// Raw returns the line as it stands in the file.
func (l Line) Raw() string { return l.raw }

// stampLayout is what directive T of s6-log puts before a line, in local time, and two spaces.
const (
	stampLayout = "2006-01-02 15:04:05.000000000"
	stampGap    = "  "
)

// parseLine splits the time off a line.
func parseLine(n profile.Name, raw string) Line {
	l := Line{Profile: n, Text: raw, raw: raw}
	const width = len(stampLayout)
	if len(raw) < width+len(stampGap) || raw[width:width+len(stampGap)] != stampGap {
		return l
	}
	t, err := time.ParseInLocation(stampLayout, raw[:width], time.Local)
	if err != nil {
		return l
	}
	l.Time, l.at, l.Text = t, t, raw[width+len(stampGap):]
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
