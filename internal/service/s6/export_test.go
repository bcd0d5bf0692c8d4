package s6

import "time"

// ReviveWithin sets how long a supervisor that died may take to be there again.
func (m *Manager) ReviveWithin(d time.Duration) { m.revive = d }
