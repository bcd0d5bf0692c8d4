package fleet

import (
	"time"

	"hermes/internal/profile"
)

// Gateway is what is known of one profile's gateway. A Gateway never changes: each change makes a new one.
type Gateway struct {
	View
	// Home is where the profile lives.
	Home profile.Home
	// Counters are what its gateways did.
	Counters profile.Counters
	// GiveUps is how often it was given up since this process began to look.
	GiveUps int
	// Since is when its process came up; zero while it is down.
	Since time.Time
	// History are its last changes of state, the oldest first.
	History []Change
	// Samples are its last sizes in bytes, the oldest first, Sampled apart while somebody looks.
	Samples []int64
	// Version is different for each Gateway of the same profile.
	Version uint64

	untold bool // see the function of this name
}

// Running reports whether the gateway's process runs.
func (g *Gateway) Running() bool { return g.Up() }

// Change is a gateway's step from one state to another.
type Change struct {
	Time    time.Time    `json:"time"`
	Profile profile.Name `json:"profile"`
	From    string       `json:"from,omitempty"`
	To      string       `json:"to"`
	PID     int          `json:"pid,omitempty"`
	Reason  string       `json:"reason,omitempty"`
}

// Snapshot is the fleet at one moment. It never changes.
type Snapshot struct {
	// Version grows with each snapshot.
	Version uint64
	// Gateways are those of all usable profiles, the default one first, the others by name.
	Gateways []*Gateway
	// Broken is what in the profiles directory cannot be used.
	Broken []profile.Entry
	// Manager names who is in charge (contract M13).
	Manager string
	// Control tells whether gateways can be started and stopped from here: somebody is in charge.
	Control bool
	// Err is why the picture could not be brought up to date; the gateways are then those of before.
	Err error

	byName map[profile.Name]*Gateway
	next   chan struct{}
}

// Get returns the gateway of a profile.
func (s *Snapshot) Get(n profile.Name) (*Gateway, bool) {
	g, ok := s.byName[n]
	return g, ok
}

// Outdated returns a channel that is closed when there is a newer snapshot.
func (s *Snapshot) Outdated() <-chan struct{} { return s.next }

// Counts returns how many gateways are in each state.
func (s *Snapshot) Counts() map[string]int {
	counts := map[string]int{}
	for _, g := range s.Gateways {
		counts[g.State]++
	}
	return counts
}
