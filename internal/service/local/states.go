package local

// state is where a unit is.
type state string

// The states of a unit without a run, of one with a run, and of one whose run ended by itself: what follows is decided then, which
// takes a moment in which orders arrive.
const (
	down    state = "down"    // nothing runs, and nothing is to
	queued  state = "queued"  // somebody wants it up: it begins at once
	again   state = "again"   // it ended by itself, and begins again
	backoff state = "backoff" // it failed, and begins again after a pause
	closed  state = "closed"  // nothing runs, and nothing ever will

	starting   state = "starting"   // its process begins, or is not ready yet
	serving    state = "serving"    // its process is ready
	stopping   state = "stopping"   // its process is told to end, and nothing follows
	restarting state = "restarting" // its process is told to end, and another follows
	closing    state = "closing"    // its process is told to end, and the unit goes with it

	deciding     state = "deciding"      // nobody gave an order since it ended
	decidingUp   state = "deciding up"   // somebody wants it up meanwhile
	decidingDown state = "deciding down" // somebody wants it down meanwhile
	decidingLast state = "deciding last" // the unit goes when it is decided
)

// event is what happens to a unit.
type event string

const (
	toStart   event = "start"   // an order
	toStop    event = "stop"    // an order
	toRestart event = "restart" // an order
	toClose   event = "close"   // it is unregistered, or the supervisor ends

	due      event = "due"   // the time of the next run has come
	gotReady event = "ready" // its process says that it is
	ended    event = "ended" // its process ended

	// What was decided.
	startAgain event = "start again"
	startLater event = "start later"
	stayDown   event = "stay down"
)

// transitions is the table: what is not in it cannot happen, or is refused.
func transitions() map[state]map[event]state {
	return map[state]map[event]state{
		down:    {toStart: queued, toStop: down, toRestart: queued, toClose: closed},
		queued:  {toStart: queued, toStop: down, toRestart: queued, toClose: closed, due: starting},
		again:   {toStart: queued, toStop: down, toRestart: queued, toClose: closed, due: starting},
		backoff: {toStart: queued, toStop: down, toRestart: queued, toClose: closed, due: starting},
		closed:  {toStop: closed, toClose: closed},

		starting:   {toStart: starting, toStop: stopping, toRestart: restarting, toClose: closing, gotReady: serving, ended: deciding},
		serving:    {toStart: serving, toStop: stopping, toRestart: restarting, toClose: closing, ended: deciding},
		stopping:   {toStart: restarting, toStop: stopping, toRestart: restarting, toClose: closing, gotReady: stopping, ended: down},
		restarting: {toStart: restarting, toStop: stopping, toRestart: restarting, toClose: closing, gotReady: restarting, ended: queued},
		closing:    {toStop: closing, toClose: closing, gotReady: closing, ended: closed},

		deciding: {toStart: decidingUp, toStop: decidingDown, toRestart: decidingUp, toClose: decidingLast,
			startAgain: again, startLater: backoff, stayDown: down},
		decidingUp: {toStart: decidingUp, toStop: decidingDown, toRestart: decidingUp, toClose: decidingLast,
			startAgain: queued, startLater: queued, stayDown: queued},
		decidingDown: {toStart: decidingUp, toStop: decidingDown, toRestart: decidingUp, toClose: decidingLast,
			startAgain: down, startLater: down, stayDown: down},
		decidingLast: {toStop: decidingLast, toClose: decidingLast, startAgain: closed, startLater: closed, stayDown: closed},
	}
}

// busy: a run is on, from before its process begins until it is decided what follows its end.
func (s state) busy() bool { return s.runs() || s.decides() }

// runs: a process begins, runs or ends.
func (s state) runs() bool { return s == starting || s == serving || s.told() }

// told: the process was told to end.
func (s state) told() bool { return s == stopping || s == restarting || s == closing }

// decides: the run ended by itself, and what follows is being decided.
func (s state) decides() bool {
	return s == deciding || s == decidingUp || s == decidingDown || s == decidingLast
}

// waits: a run is to begin.
func (s state) waits() bool { return s == queued || s == again || s == backoff }

// wanted: the service is to run, as far as anybody knows.
func (s state) wanted() bool {
	return s.waits() || s == starting || s == serving || s == restarting || s == deciding || s == decidingUp
}

// last: nothing begins any more.
func (s state) last() bool { return s == closing || s == decidingLast || s == closed }
