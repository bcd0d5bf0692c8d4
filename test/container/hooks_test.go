package container_test

import (
	"strings"
	"testing"
)

func TestHooksOfDerivedImagesRunInOrderAsRoot(t *testing.T) {
	parallel(t)
	img := derive(t, map[string]string{
		"50-b":   "#!/bin/sh\necho \"hook b $(id -u)\"\nchown 10000 /run/made-by-hook 2>/dev/null\n",
		"40-a":   "#!/usr/bin/with-contenv sh\necho \"hook a $(id -u) $GIVEN\"\ntouch /run/made-by-hook\n",
		"90-end": "#!/bin/sh\necho \"finish $(id -u)\"\n",
	}, "COPY 50-b 40-a /etc/cont-init.d/", "COPY 90-end /etc/cont-finish.d/")
	b := &box{t: t, name: uniqueName(t)}
	t.Cleanup(b.remove)
	r := do(t, append([]string{"run"}, b.args(options{image: img, env: []string{"GIVEN=for you"}},
		[]string{"sh", "-c", "ls -n /run/made-by-hook; exit 9"})...)...)
	if r.Code != 9 {
		t.Errorf("want code 9, got: %s", r)
	}
	// Only the order matters, so do not tell the hooks' stdout and stderr apart.
	log := b.allLogs()
	last := -1
	for _, want := range []string{"hook a 0 for you", "hook b 0", "made-by-hook", "finish 0"} {
		at := strings.Index(log, want)
		if at < 0 {
			t.Errorf("no %q in the log:\n%s", want, log)
		}
		if want != "made-by-hook" && want != "finish 0" && at < last {
			t.Errorf("%q came too early:\n%s", want, log)
		}
		last = at
	}
}

func TestFailingHookStopsTheContainerWithItsReason(t *testing.T) {
	parallel(t)
	img := derive(t, map[string]string{"50-fails": "#!/bin/sh\necho the licence is missing >&2\nexit 23\n"},
		"COPY 50-fails /etc/cont-init.d/")
	b := start(t, options{image: img}, "gateway", "run")
	if code := b.wait(); code == 0 {
		t.Error("the container ended with 0")
	}
	last := b.lastLine()
	if !strings.Contains(last, "50-fails") || !strings.Contains(last, "23") {
		t.Errorf("the last line does not name the hook and its code: %q", last)
	}
	if log := b.allLogs(); !strings.Contains(log, "the licence is missing") || len(breadcrumbs(log)) != 0 {
		t.Errorf("the hook's own message is missing, or the command ran:\n%s", log)
	}
}

func TestHookThatCannotBeRunStopsTheContainer(t *testing.T) {
	parallel(t)
	img := derive(t, map[string]string{"50-broken": "#!/no/such/interpreter\n"}, "COPY 50-broken /etc/cont-init.d/")
	b := start(t, options{image: img}, "sleep", "infinity")
	if code := b.wait(); code == 0 {
		t.Error("the container ended with 0")
	}
	if last := b.lastLine(); !strings.Contains(last, "50-broken") {
		t.Errorf("the last line does not name the hook: %q", last)
	}
}
