package service_test

import (
	"testing"
	"time"

	"hermes/internal/profile"
	"hermes/internal/service"
)

func TestErrorTexts(t *testing.T) {
	n, err := profile.ParseName("coder")
	if err != nil {
		t.Fatal(err)
	}
	id := service.Gateway(n)
	for _, tt := range []struct {
		err  service.S6Error
		want string
	}{
		{&service.GatewayNotRegisteredError{Profile: "typo"},
			"no such gateway 'typo': register it with `hermes profile create typo` first, or pass an existing profile name via `-p <name>`"},
		{&service.NotRegisteredError{Service: service.Dashboard()}, "no such service 'dashboard' under the supervisor"},
		{&service.S6CommandError{Service: id, Action: "start", Command: "s6-svc", ExitCode: 111, Stderr: "s6-svc: fatal: no\n"},
			"s6-svc start on 'gateway-coder' failed (rc=111): s6-svc: fatal: no"},
		{&service.NotReadyError{Service: id, Waited: 10040 * time.Millisecond}, "'gateway-coder' is not ready after 10s"},
		{&service.NotReadyError{Service: id, Ended: true, ExitCode: 1},
			"'gateway-coder' exited with code 1 before it was ready; the supervisor tries again"},
		{&service.NotReadyError{Service: id, Ended: true, ExitCode: 78, GaveUp: true},
			"'gateway-coder' exited with code 78 before it was ready; it stays down"},
		{&service.NotReadyError{Service: id, Ended: true, ExitCode: -1, Signal: "SIGKILL"},
			"'gateway-coder' was killed by SIGKILL before it was ready; the supervisor tries again"},
		{&service.NotReadyError{Service: id, Ended: true, ExitCode: -1},
			"'gateway-coder' ended before it was ready; the supervisor tries again"},
		{&service.NotDownError{Service: id, PID: 42, Waited: 1500 * time.Millisecond},
			"'gateway-coder' (pid 42) is not down after 1.5s; it is told to stop and will be killed if it does not"},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("message is\n%s\nwant\n%s", got, tt.want)
		}
	}
}

func TestIDsAreReadBack(t *testing.T) {
	for s, ok := range map[string]bool{
		"gateway-default": true, "gateway-coder": true, "dashboard": true,
		"": false, "gateway-": false, "gateway-UP": false, "gateway-../x": false, "coder": false, "dashboard2": false,
	} {
		id, got := service.ParseID(s)
		if got != ok || ok && id.String() != s {
			t.Errorf("ParseID(%q) = %v, %v", s, id, got)
		}
	}
}
