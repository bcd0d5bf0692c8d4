package boot

import (
	"testing"

	"hermes/internal/container"
)

func TestOnlyADirectoryOfItsOwnForRunTimeFilesIsEmptied(t *testing.T) {
	run, home := container.Layout{Dir: "/run"}, container.Layout{Dir: "/opt/data/.run"}
	type who struct{ root, own, fallback bool }
	always, never, user := who{true, true, true}, who{}, who{own: true, fallback: true}
	for dir, want := range map[string]who{
		"/run/service": always, "/run/hermes-tree": always, "/run/a/b": always,
		"/": never, "/run": never, "/run/": never, "/opt/data": never, "/run/../etc": never, "run/service": never,
		"/run/s6": never, "/run/s6/tree": never, "/running": never, "": never, "/run/hermes/x": {fallback: true},
		"/opt/data/.run": never, "/opt/data/.run/service": user, "/opt/data/.run/s6": {own: true}, "/opt/data/profiles": never,
		"/opt/data/.run/../profiles": never, "/tmp": never, "/tmp/service": user, "/dev/shm/service": user, "/tmp/../opt/data": never,
	} {
		for _, c := range []struct {
			name string
			l    container.Layout
			own  bool
			want bool
		}{{"root", run, false, want.root}, {"a user", run, true, want.own}, {"a user, in the home", home, true, want.fallback}} {
			if err := checkScandir(dir, c.l, "/opt/data", c.own); (err == nil) != c.want {
				t.Errorf("%q as %s: %v", dir, c.name, err)
			}
		}
	}
}
