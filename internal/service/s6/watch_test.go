package s6

import "testing"

func TestTheEventThatCompletedAPattern(t *testing.T) {
	for _, tt := range []struct{ pattern, answer, want string }{
		// s6 2.11 to 2.13 answer with one event.
		{untilStarted, "U", "U"},
		{untilStarted, "O", "O"},
		{untilStarted, "D", "D"},
		{untilStarted, "x", "x"},
		{untilRestarted, "U", "U"},
		{untilRestarted, "D", "D"},
		{untilRestarted, "O", "O"},
		{untilDown, "D", "D"},
		// Answers that s6 2.15.1 gave.
		{untilStarted, "uU", "U"},
		{untilRestarted, "dDuU", "U"},
		{untilDown, "dD", "D"},
		{untilStarted, "udOD", "O"},
		// Answers that s6 2.15.1 would give.
		{untilStarted, "dDuU", "D"}, // the run that was there at the beginning is over
		{untilStarted, "udD", "D"},
		{untilStarted, "uUdOD", "U"}, // it was ready, whatever it did after that
		{untilRestarted, "dOD", "O"},
		{untilRestarted, "dDudD", "D"},
		{untilRestarted, "UdDuU", "U"},
		{untilDown, "x", "x"},
		{untilStarted, "", ""},
	} {
		if got := completing(tt.pattern, tt.answer); got != tt.want {
			t.Errorf("completing(%q, %q) = %q, want %q", tt.pattern, tt.answer, got, tt.want)
		}
	}
}
