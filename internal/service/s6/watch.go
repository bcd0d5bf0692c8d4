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

// What supervisors report (s6-supervise, "Detailed operation"): u, the process runs; U, it is ready;
// d, it died; D, its finish script has ended too; O, just before D, it will not be started again; x, the
// supervisor itself ends: the slot was unregistered, or everything goes down, and nothing more will come.
const (
	eventReady  = "U"
	eventFailed = "O"

	// The patterns mean the same to s6, as POSIX extended regular expressions, and to completing.
	//
	// untilStarted ends a wait for a service that is told to start: it is ready, it is
	// given up, or the run that was seen to begin or to die is over.
	untilStarted = "U|O|x|[ud].*D"
	// untilRestarted is the same for a service whose present run must end first.
	untilRestarted = "O|x|d.*U|u.*D"
	untilDown      = "D|x"
)

// A watch is a subscription to the events of one supervisor.
type watch struct {
	// before is the service's status at a time when the subscription was in place: what
	// happens after it cannot be missed.
	before slotStatus

	cancel context.CancelFunc
	ended  chan struct{} // closed when event and err are known
	event  string
	err    error
}

// watch subscribes until an event completes the pattern. It lasts for a little more than wait: the
// limit of s6-ftrig-listen1 is for subscribing too. Close it.
//
// s6-ftrig-listen1 runs a program when it has subscribed. It is made for s6-svc, but then a
// service that has just reached the wanted state would be waited for in vain, and an error of
// s6-svc would look like one of s6-ftrig-listen1.
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
		// Two lines: the events, and s6-svstat's, whose fields have spaces between them. Which comes first is open.
		for s := bufio.NewScanner(out); s.Scan(); {
			text := s.Text()
			if !strings.Contains(text, " ") {
				w.event = completing(pattern, text)
				continue
			}
			select {
			case status <- text:
			default: // there is but one
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
			// The slot went away between the subscription and s6-svstat, whose code is not s6-ftrig-listen1's.
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

// completing returns the event that completed the pattern, from what s6-ftrig-listen1 answers: that event alone (s6 2.11 to
// 2.13), or all events since it subscribed (2.15), with those that came together with the event. What
// stands there tells them apart: a pattern that takes several events is completed by no single one.
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

// wait returns the event that completed the pattern, or "" if none did in time.
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

// close ends the subscription and leaves no process behind: s6-ftrig-listen1's child, the
// daemon of the subscription, ends with it.
func (w *watch) close() {
	w.cancel()
	<-w.ended
}
