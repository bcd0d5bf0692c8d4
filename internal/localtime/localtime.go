// Package localtime is the only place that converts between moments and local time. All other code writes and compares times in UTC
// or with an offset.
package localtime

import (
	"encoding/binary"
	"path/filepath"
	"strings"
	"time"
)

// layout is how a time is shown. At the end of summer time one hour comes twice; the offset tells the two apart.
const layout = "2006-01-02 15:04:05.000-07:00"

// Zone returns the time zone that the variable TZ names, as tzset(3) reads it: the name of a file in the time zone database, with or
// without a colon before it, or a rule such as CET-1CEST,M3.5.0,M10.5.0/3. If TZ is empty, it returns the machine's own zone; for
// any other value it returns UTC, as the C library does.
func Zone(tz string) *time.Location {
	name := strings.TrimPrefix(tz, ":")
	if tz == "" || filepath.IsAbs(name) {
		return time.Local // package time has read TZ if it is empty or a path; it does not read rules
	}
	if zone, err := time.LoadLocation(name); err == nil {
		return zone
	}
	if zone, ok := rule(tz); ok {
		return zone
	}
	return time.UTC
}

// unknown is the name of a zone that has no name (RFC 8536, section 6).
const unknown = "-00"

// maxRule is the length of the longest rule, in bytes.
const maxRule = 255

// rule returns the zone of a POSIX TZ string. Package time reads such rules only at the end of a file of the time zone database (RFC
// 8536), so rule makes a file that holds nothing else. If package time cannot read the rule, all times get the file's only zone,
// UTC.
func rule(tz string) (*time.Location, bool) {
	if len(tz) > maxRule || strings.ContainsAny(tz, "\n\x00") {
		return nil, false
	}
	var file []byte
	header := func(types, chars uint32) {
		file = append(file, "TZif2"...)
		file = append(file, make([]byte, 15)...)
		for _, n := range []uint32{0, 0, 0, 0, types, chars} {
			file = binary.BigEndian.AppendUint32(file, n)
		}
	}
	header(0, 0) // empty data for readers of version 1
	header(1, uint32(len(unknown)+1))
	file = append(file, 0, 0, 0, 0, 0, 0) // one zone type: UTC, not summer time, with its name at index 0
	file = append(file, unknown+"\x00\n"+tz+"\n"...)
	zone, err := time.LoadLocationFromTZData("Local", file)
	if err != nil {
		return nil, false
	}
	for _, month := range []time.Month{time.January, time.July} {
		if name, _ := time.Date(2000, month, 1, 0, 0, 0, 0, time.UTC).In(zone).Zone(); name == unknown {
			return nil, false
		}
	}
	return zone, true
}

// Parse reads a local time in a zone; nil is the machine's own zone. A time that comes twice, at the end of summer time, means the
// earlier one. A time that is left out, at the beginning of summer time, means the moment at which the clock was put forward. layout
// is a layout of package time without an offset.
func Parse(layout, s string, zone *time.Location) (time.Time, error) {
	wall, err := time.Parse(layout, s)
	if err != nil {
		return time.Time{}, err
	}
	if zone == nil {
		zone = time.Local
	}
	y, m, d := wall.Date()
	t := time.Date(y, m, d, wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), zone)
	shown := func(t time.Time) time.Time {
		_, offset := t.Zone()
		return t.UTC().Add(time.Duration(offset) * time.Second)
	}
	start, end := t.ZoneBounds()
	switch {
	case shown(t).After(wall):
		return start, nil
	case shown(t).Before(wall):
		return end, nil
	case start.IsZero():
		return t, nil
	}
	_, before := start.Add(-1).Zone()
	if earlier := wall.Add(-time.Duration(before) * time.Second); earlier.Before(start) {
		return earlier.In(zone), nil
	}
	return t, nil
}

// Format shows a time in a zone, with its offset; nil is the machine's own zone.
func Format(t time.Time, zone *time.Location) string {
	if zone == nil {
		zone = time.Local
	}
	return t.In(zone).Format(layout)
}
