package fleet

import (
	"slices"
)

// measure reads about how much memory each gateway that runs has.
func (f *Fleet) measure() {
	before := f.Snapshot()
	s := &Snapshot{Gateways: slices.Clone(before.Gateways), Broken: before.Broken, Manager: before.Manager, Control: before.Control, Err: before.Err}
	var views []*View
	for i, g := range s.Gateways {
		if !g.Up() && g.Memory == 0 {
			continue
		}
		with := *g
		s.Gateways[i] = &with
		views = append(views, &with.View)
	}
	MeasureEach(views)
	for i, with := range s.Gateways {
		if with == before.Gateways[i] {
			continue
		}
		f.samples[with.Profile] = last(append(f.samples[with.Profile], with.Memory), keepSamples)
		with.Samples = f.samples[with.Profile]
		f.version++
		with.Version = f.version
	}
	f.publish(before, s)
}
