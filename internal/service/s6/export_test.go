package s6

import "time"

// ReviveWithin sets how long a new supervisor may take to appear after one died.
func (m *Manager) ReviveWithin(d time.Duration) { m.revive = d }
