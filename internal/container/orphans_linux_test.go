package container

import "testing"

func TestOnlyOurSupervisorsAreOrphansOfOurs(t *testing.T) {
	for cmdline, want := range map[string]bool{
		"s6-supervise\x00gateway-default\x00":              true,
		"s6-supervise\x00gateway-coder/log\x00":            true,
		"s6-supervise\x00dashboard\x00":                    true,
		"/command/s6-supervise\x00gateway-a\x00":           true,
		"s6-supervise\x00user-tree\x00":                    false,
		"s6-supervise\x00s6rc-oneshot-runner\x00":          false,
		"s6-supervise\x00nginx\x00":                        false,
		"s6-supervise\x00gateway-A B\x00":                  false,
		"s6-supervise\x00/run/service/gateway-default\x00": false,
		"s6-supervise\x00":                                 false,
		"sh\x00gateway-default\x00":                        false,
		"s6-supervise\x00gateway-default\x00gateway-x\x00": false,
		"": false,
	} {
		if got := supervisesOurs([]byte(cmdline)); got != want {
			t.Errorf("%q: %v, want %v", cmdline, got, want)
		}
	}
}
