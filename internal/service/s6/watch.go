package s6

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"hermes/internal/service"
)

// The events that supervisors report (s6-supervise, "Detailed operation"): u, the process runs; U, it is ready; d, it died; D, its
// finish script has ended too; O, just before D, it will not be started again; x, the supervisor itself ends, because the slot was
// unregistered or everything goes down, and no more events come.
const (
	eventReady  = "U"
	eventFailed = "O"

	// s6 reads the patterns as POSIX extended regular expressions, and completing reads them with the same meaning.
	//
	// untilStarted ends the wait for a service that was told to start: when it is ready, when it is given up, or when the run whose
	// beginning or death was seen is over.
	untilStarted = "U|O|x|[ud].*D"
	// untilRestarted does the same for a service whose present run must end first.
	untilRestarted = "O|x|d.*U|u.*D"
	untilDown      = "D|x"
)

// watch is a subscription to the events of one supervisor.
type watch struct {
	// before is the service's status at a moment when the subscription was in place already, so that no later event is missed.
	before slotStatus

	cancel context.CancelFunc
	ended  chan struct{} // closed when event and err are final
	event  string
	err    error
}

// watch subscribes to a service's events until they match the pattern. The subscription lasts a little longer than wait, because the
// limit of s6-ftrig-listen1 includes the time for subscribing. The caller must close it.
//
// s6-ftrig-listen1 runs a program when it has subscribed. It is meant to run s6-svc. But then a service that has just reached the
// wanted state would be waited for in vain, and an error of s6-svc would look like one of s6-ftrig-listen1. So it runs s6-svstat.
func (m *Manager) watch(ctx context.Context, id service.ID, action, dir, pattern string, wait time.Duration) (*watch, error) {
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, "s6-ftrig-listen1", "-t", millis(max(0, wait)+superviseDeadline), filepath.Join(dir, "event"), pattern,
		"s6-svstat", "-o", svstatFields, dir)
	alone(cmd)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.WaitDelay = time.Second
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("cannot run s6-ftrig-listen1: %w", err)
	}
	w := &watch{cancel: cancel, ended: make(chan struct{})}
	status := make(chan string, 1)
	go func() {
		defer close(w.ended)
		// There are two lines in any order: the events, and the line of s6-svstat, whose fields are separated by spaces.
		for s := bufio.NewScanner(out); s.Scan(); {
			text := s.Text()
			if !strings.Contains(text, " ") {
				w.event = completing(pattern, text)
				continue
			}
			select {
			case status <- text:
			default: // there is only one
			}
		}
		w.err = commandError(ctx, cmd.Wait(), id, action, "s6-ftrig-listen1", &stderr)
	}()
	var text string
	select {
	case text = <-status:
	case <-w.ended:
		select {
		case text = <-status:
		default:
			cancel()
			// The slot was removed between the subscription and s6-svstat, whose exit code s6-ftrig-listen1 does not return.
			nothing := &service.S6CommandError{Service: id, Action: action, Command: "s6-ftrig-listen1", Stderr: "it said nothing; " + stderr.String()}
			return nil, cmp.Or(w.err, error(nothing))
		}
	}
	if w.before, err = parseSvstat(id, text); err != nil {
		w.close()
		return nil, err
	}
	w.before.look(dir)
	return w, nil
}

// completing returns the event that completed the pattern from the answer of s6-ftrig-listen1. s6 2.11 to 2.13 answer with that
// event alone; 2.15 answers with all events since it subscribed, and with those that came together with the event. The answer itself
// tells which it is, because a pattern that needs several events never matches a single one.
func completing(pattern, answer string) string {
	if answer == "" {
		return ""
	}
	if re, err := regexp.Compile(pattern); err == nil {
		for n := 1; n < len(answer); n++ {
			if re.MatchString(answer[:n]) {
				return answer[n-1 : n]
			}
		}
	}
	return answer[len(answer)-1:]
}

// wait returns the event that completed the pattern, or "" if the time is over before.
func (w *watch) wait(d time.Duration) string {
	timeout := time.NewTimer(d)
	defer timeout.Stop()
	select {
	case <-w.ended:
		return w.event
	case <-timeout.C:
		return ""
	}
}

// close ends the subscription. It leaves no process behind: the daemon of the subscription, a child of s6-ftrig-listen1, ends with
// it.
func (w *watch) close() {
	w.cancel()
	<-w.ended
}
