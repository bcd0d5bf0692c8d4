package service

// OOM tells which deaths were for want of memory. The kernel only counts its kills, for all services together. If a service was killed
// with SIGKILL and the kernel has counted a kill that is not explained yet, that kill explains the death. If a service dies in another
// way, all kills that were counted so far are taken for kills of something else.
type OOM struct {
	// Explained is how many of the kernel's kills are explained.
	Explained uint64
}

// Explain takes note of a death. kills is what the kernel counted, ok whether it counts. It reports whether the service was killed
// for want of memory.
func (o *OOM) Explain(d Death, kills uint64, ok bool) bool {
	switch {
	case !ok:
		return false
	case d.Signal != "SIGKILL" || kills < o.Explained: // another counter than before
		o.Explained = kills
		return false
	case kills == o.Explained:
		return false
	}
	o.Explained++
	return true
}
