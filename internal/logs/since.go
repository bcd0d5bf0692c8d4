package logs

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"hermes/internal/localtime"
)

// The forms of a time: those with an offset, as the command logs shows times, and local times.
var (
	offsetLayouts = []string{time.RFC3339, "2006-01-02 15:04:05Z07:00"}
	wallLayouts   = []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"}
)

// ParseSince reads a time: how long ago it was (90s, 10m, 2h, 3d), or a date such as 2026-11-23T10:00. A date without an offset is
// local time in zone. If that local time comes twice, it is the earlier one (localtime.Parse).
func ParseSince(s string, now time.Time, zone *time.Location) (time.Time, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n <= 36500 {
			return now.Add(-time.Duration(n) * 24 * time.Hour), nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range offsetLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	for _, layout := range wallLayouts {
		if t, err := localtime.Parse(layout, s, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("cannot read the time %q: want how long ago, like 10m, 2h or 3d, or a time like 2026-11-23T10:00", s)
}
