package dashboard

import (
	"fmt"
	"strings"
	"time"

	"hermes/internal/fleet"
	"hermes/internal/logs"
)

// stateWords are the states that people read under another name.
var stateWords = map[string]string{"startup_failed": "failed to start"}

func stateWord(s string) string {
	if w, ok := stateWords[s]; ok {
		return w
	}
	return s
}

// duration writes a time in at most two units, such as 2h 5m.
func duration(d time.Duration) string {
	switch s := int(d.Seconds()); {
	case s < 0:
		return "0s"
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm %ds", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%dh %dm", s/3600, s%3600/60)
	default:
		return fmt.Sprintf("%dd %dh", s/86400, s%86400/3600)
	}
}

// size writes a number of bytes as `hermes gateway list` does; 0 is "".
func size(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// spark returns the points of a line through samples, for a polyline in a box of 90 by 20.
func spark(samples []int64) string {
	if len(samples) < 2 {
		return ""
	}
	low, high := samples[0], samples[0]
	for _, v := range samples {
		low, high = min(low, v), max(high, v)
	}
	if high-low < high/10+1 { // small changes must not look like large ones
		low = max(0, high-high/10-1)
	}
	var b strings.Builder
	for i, v := range samples {
		fmt.Fprintf(&b, "%.1f,%.1f ", float64(i)*90/float64(len(samples)-1), 19-18*float64(v-low)/float64(high-low))
	}
	return strings.TrimSpace(b.String())
}

// trouble returns why a gateway is not well; "" if it is.
func trouble(g *fleet.Gateway) string { return logs.Printable(g.Trouble()) }
