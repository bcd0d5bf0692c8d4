package restart

import "time"

const (
	// DefaultKillAfter is how long a service may take to end after it was told to, if its definition does not say.
	DefaultKillAfter = 25 * time.Second
	// KillMargin is added to the time that a gateway gives its turns to finish; after that the gateway is killed.
	KillMargin = 5 * time.Second
	// StopMargin is added to the time after which a service is killed; a stop may take that long.
	StopMargin = 5 * time.Second
)

// KillAfter returns how long a service may take to end. said is what the definition says, or 0.
func KillAfter(said time.Duration) time.Duration {
	if said > 0 {
		return said
	}
	return DefaultKillAfter
}
