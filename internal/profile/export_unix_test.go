//go:build unix

package profile

var (
	AtOnce    = atOnce
	MakeNasty = makeNasty
	Check     = Home.check
)
