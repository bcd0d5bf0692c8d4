package restart

import "time"

const (
	// DefaultKillAfter is how long a service may take to end when it is asked to, where nobody says.
	DefaultKillAfter = 25 * time.Second
	// KillMargin is what a gateway gets on top of the time that it gives its turns to finish, before it is killed.
	KillMargin = 5 * time.Second
	// StopMargin is what a stop may take on top of the time after which a service is killed.
	StopMargin = 5 * time.Second
)

// KillAfter returns how long a service may take to end, of which its definition may say nothing.
func KillAfter(said time.Duration) time.Duration {
	if said > 0 {
		return said
	}
	return DefaultKillAfter
}
