package service

import "fmt"

// LastExit says in words how a service's last run ended; "" if it did not.
func (s Status) LastExit() string {
	switch {
	case s.Up:
		return ""
	case s.Signal != "":
		return Death{Signal: s.Signal, OutOfMemory: s.LastFailure.OutOfMemory && s.LastFailure.Signal == s.Signal}.How()
	case s.ExitCode >= 0:
		return fmt.Sprintf("exit code %d", s.ExitCode)
	}
	return ""
}
