package fleet

import "slices"

// measure reads the memory of every gateway that runs.
func (f *Fleet) measure() {
	before := f.Snapshot()
	s := &Snapshot{Gateways: slices.Clone(before.Gateways), Broken: before.Broken, Manager: before.Manager, Control: before.Control, Err: before.Err}
	for i, g := range s.Gateways {
		if !g.Up() && g.Memory == 0 {
			continue
		}
		with := *g
		with.Memory = 0
		with.Measure()
		f.samples[g.Profile] = last(append(f.samples[g.Profile], with.Memory), keepSamples)
		with.Samples = f.samples[g.Profile]
		f.version++
		with.Version = f.version
		s.Gateways[i] = &with
	}
	f.publish(before, s)
}
