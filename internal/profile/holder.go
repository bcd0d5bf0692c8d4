package profile

import (
	"encoding/json"
	"errors"

	"hermes/internal/volume"
)

// RunningPID reports whether a gateway of the profile runs on this volume, by checking the lock that it holds. pid is 0 if the
// gateway did not write its pid.
func RunningPID(h Home) (pid int, running bool) {
	lock, err := h.Files().TryLock(LockName)
	if err == nil {
		_ = lock.Unlock()
		return 0, false
	}
	if !errors.Is(err, volume.ErrLocked) {
		return 0, false
	}
	var record struct {
		PID int `json:"pid"`
	}
	if data, err := h.Files().ReadFile(PIDName, MaxFile); err == nil && json.Unmarshal(data, &record) == nil {
		pid = record.PID
	}
	return pid, true
}
