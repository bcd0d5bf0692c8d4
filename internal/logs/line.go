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
	// Time is when the logger got the line, in UTC, or zero if the line has no time.
	Time time.Time `json:"time,omitzero"`
	// Text is the line without its time.
	Text string `json:"line"`

	raw string
	at  time.Time // the time that orders the line: Time, or that of the line before
}

// Raw returns the line as it is in the file.
func (l Line) Raw() string { return l.raw }

// Shown returns the line for people: its time in the zone (see localtime.Format), and its text.
func (l Line) Shown(zone *time.Location) string {
	if l.Time.IsZero() {
		return l.raw
	}
	return localtime.Format(l.Time, zone) + stampGap + l.Text
}

// A line begins with what s6-log's directive T writes, a time and two spaces. Then comes a prefix (directive pUTC), which says that
// the time is UTC. Loggers before December 2026 wrote local time and no prefix.
const (
	stampLayout = "2006-01-02 15:04:05.000000000"
	stampGap    = "  "
	stampZone   = "UTC "
)

// parseLine splits the time from a line. A time without the prefix is in zone.
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

// Printable removes from a text what would change a terminal's state: control characters, among them escape, and characters that
// change the direction of writing. It keeps tabs. Bytes that are not UTF-8 become U+FFFD.
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
