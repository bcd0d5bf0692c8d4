package restart

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Shell renders the table for a finish script of s6 (servicedir.html): $1 is the exit code, or 256 and then $2 is the signal. The
// script ends with 125 for what stays down and with 0 for what is started again at once; what it goes on after is a failure.
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

// Versions of systemd. From steppedRestarts on RestartSteps= makes the pauses grow. What they grow with counts all restarts since
// somebody last started the unit, however long ago; only from resetRestarts on can the gateway say that it is well
// again (RESTART_RESET=1, see gateway.serve). Before it no pause is longer than plainPause, so that a gateway that fails
// twice a year is back soon. Before both every pause is plainPause, so that the limit is not reached in seconds.
const (
	steppedRestarts = 254
	resetRestarts   = 258
	plainPause      = 10 * time.Second
)

// SystemdUnit renders when a service is given up, for the section [Unit] (systemd.unit(5)).
func SystemdUnit(r Rule) string {
	return fmt.Sprintf("StartLimitIntervalSec=%s\nStartLimitBurst=%d\n", Seconds(r.Window), r.Limit)
}

// SystemdService renders the table and the pauses for the section [Service] (systemd.service(5)), for a version of systemd. It has
// one sort of pause only, so what is started again at once elsewhere waits for the first one here.
func SystemdService(r Rule, version int) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	again := joined(codes(Again), " ")
	line("Restart=on-failure")
	line("SuccessExitStatus=%s", again)
	// SIGINT and SIGPIPE are planned ends to systemd. A gateway ends by itself on the one, and does not expect the other.
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
		line("RestartSteps=%d", int(math.Ceil(math.Log2(float64(most)/float64(first))))) // they double
		line("RestartMaxDelaySec=%s", Seconds(most))
	}
	return b.String()
}

// Seconds writes a duration for systemd (systemd.time(7)).
func Seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }

// LaunchdKeys are keys of a launchd job (launchd.plist(5)).
type LaunchdKeys struct {
	KeepAlive struct {
		SuccessfulExit bool
	}
	ThrottleInterval int // seconds from one start to the next, at least
}

// Launchd renders the table for launchd. It knows one code only, see Reported, and one pause, whose least and default is ten seconds,
// and never gives up.
func Launchd() (k LaunchdKeys) {
	k.KeepAlive.SuccessfulExit = false // started again after every end but this
	k.ThrottleInterval = 10
	return k
}

// WindowsRecovery is what the service control manager does after the failures of a service (SERVICE_FAILURE_ACTIONS). An end with
// another code than 0 is one, see Reported.
type WindowsRecovery struct {
	// Pauses are those before the next start, after the first failure, the second ... After one more it stays down.
	Pauses []time.Duration
	// Reset is how long a service must not fail to have its failures forgotten.
	Reset time.Duration
}

// Windows renders the pauses and the limit for Windows.
func Windows(r Rule) WindowsRecovery {
	w := WindowsRecovery{Reset: r.Window}
	for n := 1; n < r.Limit; n++ {
		w.Pauses = append(w.Pauses, r.Pause(n))
	}
	return w
}
