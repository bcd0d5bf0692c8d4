package local

// state is the state of a unit.
type state string

// The states of a unit: first those without a run, then those with a run, then those after a run that ended by itself. In the last
// group the unit decides what follows, which takes a moment in which orders may arrive.
const (
	down    state = "down"    // nothing runs, and nothing is to run
	queued  state = "queued"  // a start was ordered, and the run begins at once
	again   state = "again"   // the run ended by itself, and another begins
	backoff state = "backoff" // the run failed, and another begins after a pause
	closed  state = "closed"  // nothing runs, and nothing ever will

	starting   state = "starting"   // the process starts, or is not ready yet
	serving    state = "serving"    // the process is ready
	stopping   state = "stopping"   // the process was told to end, and none follows
	restarting state = "restarting" // the process was told to end, and another follows
	closing    state = "closing"    // the process was told to end, and the unit ends with it

	deciding     state = "deciding"      // no order was given since the run ended
	decidingUp   state = "deciding up"   // a start was ordered meanwhile
	decidingDown state = "deciding down" // a stop was ordered meanwhile
	decidingLast state = "deciding last" // the unit ends when it has decided
)

// event is something that happens to a unit.
type event string

const (
	toStart   event = "start"   // an order
	toStop    event = "stop"    // an order
	toRestart event = "restart" // an order
	toClose   event = "close"   // it is unregistered, or the supervisor ends

	due      event = "due"   // the time for the next run has come
	gotReady event = "ready" // the process says that it is ready
	ended    event = "ended" // the process ended

	// The results of a decision.
	startAgain event = "start again"
	startLater event = "start later"
	stayDown   event = "stay down"
)

// transitions is the table. An event that is missing for a state cannot happen in it, or is refused.
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

// busy reports whether there is a run: from before its process starts until the unit has decided what follows its end.
func (s state) busy() bool { return s.runs() || s.decides() }

// runs reports whether a process starts, runs or ends.
func (s state) runs() bool { return s == starting || s == serving || s.told() }

// told reports whether the process was told to end.
func (s state) told() bool { return s == stopping || s == restarting || s == closing }

// decides reports whether the run ended by itself and the unit decides what follows.
func (s state) decides() bool {
	return s == deciding || s == decidingUp || s == decidingDown || s == decidingLast
}

// waits reports whether a run is to begin.
func (s state) waits() bool { return s == queued || s == again || s == backoff }

// wanted reports whether the service is to run, as far as that is decided.
func (s state) wanted() bool {
	return s.waits() || s == starting || s == serving || s == restarting || s == deciding || s == decidingUp
}

// last reports whether no run can begin any more.
func (s state) last() bool { return s == closing || s == decidingLast || s == closed }
