package local

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/thejerf/suture/v4"

	"hermes/internal/service"
	"hermes/internal/service/restart"
)

// pause is the shortest time between two starts that were not ordered, as with s6-supervise.
const pause = time.Second

// unit is one supervised service: its state (see states.go), its process, and the goroutine Serve, which does what the state asks
// for. Only that goroutine starts processes and handles their end.
type unit struct {
	s     *Supervisor
	id    service.ID
	log   *sink
	table map[state]map[event]state
	kick  chan struct{} // wakes Serve
	over  chan struct{} // closed when Serve has returned for good

	mu      sync.Mutex
	changed chan struct{} // closed at the next change; nil if nobody waits for one
	state   state
	gone    bool // it was closed because it is unregistered
	kill    time.Duration

	run      int      // the number of the present or last run
	proc     *process // nil before it has started and after it has ended
	ready    bool     // the process has said that it is ready; it may have been told to end since
	killAt   time.Time
	since    time.Time
	earliest time.Time // the earliest time of the next start
	last     exit
	deaths   int // since a person last started it
	restarts int // runs that the supervisor started by itself
	failed   service.Death
	failures []time.Time
}

// exit says how a run ended.
type exit struct {
	code   int
	signal string
	err    error // why it could not be started
}

func (e exit) String() string {
	switch {
	case e.err != nil:
		return e.err.Error()
	case e.signal != "":
		return "signal " + e.signal
	}
	return fmt.Sprintf("exit code %d", e.code)
}

func newUnit(s *Supervisor, spec service.Spec) *unit {
	u := &unit{
		s: s, id: spec.ID, table: transitions(), state: down, kill: restart.KillAfter(spec.KillAfter), since: time.Now(), last: exit{code: -1},
		log: newSink(s, spec.ID), kick: make(chan struct{}, 1), over: make(chan struct{}),
	}
	if spec.Up {
		u.state = queued
	}
	return u
}

// String names the unit in suture's events.
func (u *unit) String() string { return u.id.String() }

// tell wakes those who wait for a change. The caller holds mu.
func (u *unit) tell() {
	if u.changed != nil {
		close(u.changed)
		u.changed = nil
	}
	u.s.changed()
}

// to changes the state as the table says for an event. If the table has no such event for the state, that is our mistake: it is
// logged and ignored. The caller holds mu.
func (u *unit) to(e event) {
	next, ok := u.table[u.state][e]
	if !ok {
		u.s.o.Log.Error("this cannot happen to a service here", "service", u.id.String(), "state", string(u.state), "event", string(e))
		return
	}
	u.state = next
}

func (u *unit) wake() {
	select {
	case u.kick <- struct{}{}:
	default:
	}
}

// Serve runs until the unit is unregistered or ctx ends, and its process is down. If it panics, suture calls it again, and it goes
// on with the present process.
func (u *unit) Serve(ctx context.Context) error {
	done := ctx.Done()
	for {
		if ctx.Err() != nil {
			done = nil
			u.mu.Lock()
			u.to(toClose)
			u.mu.Unlock()
		}
		next, timer := u.advance()
		switch next {
		case closed:
			u.log.close()
			u.mu.Lock()
			gone := u.gone
			u.mu.Unlock()
			if gone { // so that it is removed even if Unregister did not wait
				u.s.drop(u)
			}
			close(u.over)
			return suture.ErrDoNotRestart
		case starting:
			u.begin()
			continue
		}
		var exited <-chan exit
		var ready <-chan struct{}
		if p := u.proc; p != nil { // only this goroutine changes proc
			exited = p.exited
			if !u.ready {
				ready = p.ready
			}
		}
		select {
		case <-done:
		case <-u.kick:
		case e := <-exited:
			u.ended(e)
		case <-ready:
			u.becameReady()
		case <-timer:
		}
	}
}

// advance does what is due. It returns starting if a run has to begin, closed if the unit has ended for good, and otherwise "". Then
// Serve waits for something to happen, at most until timer.
func (u *unit) advance() (next state, timer <-chan time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	switch {
	case u.state == closed:
		return closed, nil
	case u.state.waits() && now.Before(u.earliest):
		return "", time.After(u.earliest.Sub(now))
	case u.state.waits():
		u.run++
		if u.state != queued {
			u.restarts++
		}
		u.ready = false
		u.to(due)
		return starting, nil
	case u.proc == nil:
		return "", nil
	}
	if u.state.told() && u.killAt.IsZero() {
		u.killAt = now.Add(u.kill)
		u.proc.terminate()
	}
	switch {
	case u.killAt.IsZero():
	case now.Before(u.killAt):
		timer = time.After(u.killAt.Sub(now))
	default:
		u.proc.kill()
	}
	return "", timer
}

// begin starts a process. It does not hold mu while it does, because fork takes time on a busy machine.
func (u *unit) begin() {
	p, err := u.s.spawn(u.id, u.log)
	u.mu.Lock()
	u.since, u.killAt = time.Now(), time.Time{}
	u.proc = p
	u.tell()
	u.mu.Unlock()
	if err != nil {
		u.log.line([]byte(err.Error()))
		u.ended(exit{code: -1, err: err})
		return
	}
	u.s.o.Log.Info("started", "service", u.id.String(), "pid", p.pid)
}

func (u *unit) becameReady() {
	u.mu.Lock()
	u.ready = true
	u.to(gotReady)
	took := time.Since(u.since)
	u.tell()
	u.mu.Unlock()
	u.s.o.Log.Info("ready", "service", u.id.String(), "ms", took.Milliseconds())
}

// ended handles the end of a run. If the run was not told to end, it decides what follows. It first writes the reason into the
// profile's state and then changes to the next state, so that whoever is woken can read the reason.
func (u *unit) ended(e exit) {
	u.mu.Lock()
	began, before := u.since, u.state
	u.proc, u.ready, u.last, u.since = nil, false, e, time.Now()
	u.to(ended)
	if !u.state.decides() {
		if before == stopping && e.signal == "SIGKILL" || before == closing && u.gone && e.signal == "SIGKILL" {
			u.say(restart.Decision{Stopped: true}.Tell(u.id, service.Death{Signal: e.signal}.How()))
		}
		u.earliest = time.Time{}
		u.tell()
		u.mu.Unlock()
		u.s.o.Log.Info("ended", "service", u.id.String(), "how", e.String(), "planned", true)
		return
	}
	meaning := restart.Of(e.code, e.signal)
	how := e.String()
	var d restart.Decision
	u.deaths++
	if died := u.s.died(e, u.since); died.Failed() {
		u.failed = died
		if e.err == nil {
			how = died.How()
		}
	}
	if meaning == restart.Failure {
		u.failures = append(u.failures, u.since)
		u.failures = u.failures[max(0, len(u.failures)-1000):]
		d = u.s.o.Backoff(u.id).Decide(u.failures)
	}
	u.mu.Unlock()

	u.s.o.Log.Info("ended", "service", u.id.String(), "how", how, "planned", false)
	if d.GiveUp {
		text, err := service.RecordGaveUp(context.Background(), u.s.store, u.id, d, how)
		u.say(text)
		if err != nil {
			u.s.o.Log.Warn("cannot record that a gateway gave up", "service", u.id.String(), "error", err)
		}
	}

	u.mu.Lock()
	defer u.mu.Unlock()
	decided := u.state == deciding // no order was given meanwhile
	u.earliest = time.Time{}
	switch {
	case d.GiveUp, meaning == restart.Stay:
		u.to(stayDown)
	case d.Delay > 0:
		d.Delay = restart.Jitter(d.Delay)
		u.to(startLater)
		if decided {
			u.earliest = time.Now().Add(d.Delay)
		}
	default:
		u.to(startAgain)
		if decided {
			u.earliest = began.Add(pause)
		}
	}
	if decided && meaning == restart.Failure && !d.GiveUp {
		u.say(d.Tell(u.id, how))
	}
	u.tell()
}

func (u *unit) say(text string) {
	u.log.line([]byte(text))
	u.s.o.Log.Warn(text)
}
