package restart

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Shell writes the table for a finish script of s6 (servicedir.html): $1 is the exit code, or it is 256 and $2 is the signal. The
// script ends with 125 if the service stays down, and with 0 if it is started again at once. If the script goes on, the end was a
// failure.
func Shell() string {
	var b strings.Builder
	fmt.Fprintf(&b, "case \"$1\" in\n%s) exit 125 ;;\n%s) exit 0 ;;\n256)", joined(codes(Stay), " | "), joined(codes(Again), " | "))
	for i, s := range signals(Again) {
		if i > 0 {
			b.WriteString(" &&")
		}
		fmt.Fprintf(&b, " [ \"$2\" != %d ]", s.Number)
	}
	b.WriteString(" || exit 0 ;;\nesac\n")
	return b.String()
}

func joined(codes []int, between string) string {
	words := make([]string, len(codes))
	for i, c := range codes {
		words[i] = strconv.Itoa(c)
	}
	return strings.Join(words, between)
}

// Versions of systemd. From steppedRestarts on, RestartSteps= makes the pauses grow. They grow with the number of all restarts since
// a person last started the unit, however long ago. From resetRestarts on, the gateway can tell systemd that it is healthy again
// (RESTART_RESET=1, see gateway.serve). Between these versions no pause is longer than plainPause, so that a gateway that fails
// twice a year is back soon. Before steppedRestarts every pause is plainPause, so that the limit is not reached within seconds.
const (
	steppedRestarts = 254
	resetRestarts   = 258
	plainPause      = 10 * time.Second
)

// SystemdUnit returns the settings for the section [Unit] that say when a service is given up (systemd.unit(5)).
func SystemdUnit(r Rule) string {
	return fmt.Sprintf("StartLimitIntervalSec=%s\nStartLimitBurst=%d\n", Seconds(r.Window), r.Limit)
}

// SystemdService returns the settings for the section [Service] with the table and the pauses (systemd.service(5)), for a version of
// systemd. systemd makes a pause before every restart. So a service that is started again at once elsewhere waits for the first
// pause here.
func SystemdService(r Rule, version int) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	again := joined(codes(Again), " ")
	line("Restart=on-failure")
	line("SuccessExitStatus=%s", again)
	// systemd takes SIGINT and SIGPIPE for planned ends. But a gateway handles SIGINT and ends by itself, and does not expect
	// SIGPIPE, so a kill by one of them is a failure.
	killed := []string{"SIGINT", "SIGPIPE"}
	for _, s := range signals(Again) {
		killed = append(killed, s.Name)
	}
	slices.Sort(killed)
	line("RestartForceExitStatus=%s %s", again, strings.Join(killed, " "))
	line("RestartPreventExitStatus=%s", joined(slices.DeleteFunc(codes(Stay), func(c int) bool { return c == 0 }), " "))
	first, most := r.First, r.Max
	switch {
	case version < steppedRestarts:
		first, most = max(first, plainPause), 0
	case version < resetRestarts:
		most = min(most, plainPause)
	}
	line("RestartSec=%s", Seconds(first))
	if most > first {
		line("RestartSteps=%d", int(math.Ceil(math.Log2(float64(most)/float64(first))))) // each step doubles the pause
		line("RestartMaxDelaySec=%s", Seconds(most))
	}
	return b.String()
}

// Seconds returns a duration in the form for systemd (systemd.time(7)).
func Seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }

// LaunchdKeys are keys of a launchd job (launchd.plist(5)).
type LaunchdKeys struct {
	KeepAlive struct {
		SuccessfulExit bool
	}
	ThrottleInterval int // the least number of seconds between two starts
}

// Launchd returns the table for launchd. launchd treats only code 0 differently (see Reported), has only one pause, which is at
// least ten seconds and ten by default, and never gives up.
func Launchd() (k LaunchdKeys) {
	k.KeepAlive.SuccessfulExit = false // start again after every end except exit code 0
	k.ThrottleInterval = 10
	return k
}

// WindowsRecovery says what the service control manager does after the failures of a service (SERVICE_FAILURE_ACTIONS). An end with
// any code but 0 is a failure; see Reported.
type WindowsRecovery struct {
	// Pauses are the pauses after the first failure, the second and so on. After one more failure the service stays down.
	Pauses []time.Duration
	// Reset is how long a service must run without a failure until its failures are forgotten.
	Reset time.Duration
}

// Windows returns the pauses and the limit for Windows.
func Windows(r Rule) WindowsRecovery {
	w := WindowsRecovery{Reset: r.Window}
	for n := 1; n < r.Limit; n++ {
		w.Pauses = append(w.Pauses, r.Pause(n))
	}
	return w
}
