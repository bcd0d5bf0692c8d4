package operate

import (
	"testing"

	"hermes/internal/logs"
)

// A logger that is behind has not written yet what the gateway said last: it is waited for, but not for ever.
func TestTheReasonIsAwaitedInTheLog(t *testing.T) {
	starting, reason := logs.Line{Text: "msg=starting"}, logs.Line{Text: "✗ config.yaml:1: no such key"}
	for name, tt := range map[string]struct {
		reason string
		log    [][]logs.Line // as it is read, one time after the other
		want   int           // which of them is shown
	}{
		"there at once":        {"config.yaml:1: no such key", [][]logs.Line{{starting, reason}, nil}, 0},
		"behind":               {"config.yaml:1: no such key", [][]logs.Line{nil, {starting}, {starting, reason}, nil}, 2},
		"more than one line":   {"config.yaml:1: no such key\nand more", [][]logs.Line{{starting}, {starting, reason}, nil}, 1},
		"never":                {"killed", [][]logs.Line{nil, {starting}}, 1},
		"none was written":     {"", [][]logs.Line{{starting}, nil}, 0},
		"no log and no reason": {"", [][]logs.Line{nil, {starting}}, 0},
	} {
		reads := 0
		read := func() []logs.Line { reads++; return tt.log[reads-1] }
		got := lastLines(tt.reason, read, func() bool { return reads < len(tt.log) })
		if reads-1 != tt.want || len(got) != len(tt.log[tt.want]) {
			t.Errorf("%s: after %d reads it is %v", name, reads, got)
		}
	}
}
