// Package doctor looks for what is wrong with an installation: the volume, the profiles on it, the slots, the
// supervisor. Each finding says how to mend it, and the ones that can be mended without
// harm know how.
//
// The checks know nothing of each other. One that fails, panics or hangs is a finding, and the others go on.
package doctor
