package boot

import "testing"

func TestOnlyADirectoryOfItsOwnBelowRunIsEmptied(t *testing.T) {
	for dir, ok := range map[string]bool{
		"/run/service": true, "/run/hermes-tree": true, "/run/a/b": true,
		"/": false, "/run": false, "/run/": false, "/opt/data": false, "/run/../etc": false, "run/service": false,
		"/run/s6": false, "/run/s6/tree": false, "/running": false, "": false,
	} {
		if err := checkScandir(dir); (err == nil) != ok {
			t.Errorf("%q: %v", dir, err)
		}
	}
}
