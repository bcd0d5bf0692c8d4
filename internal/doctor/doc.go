// Package doctor finds what is wrong with an installation: with the volume, the profiles on it, the slots, and the supervisor. Each
// finding says how to mend it. Findings that can be mended without harm have a function that does it.
//
// The checks do not depend on each other. If one fails, panics or hangs, that is a finding, and the others go on.
package doctor
