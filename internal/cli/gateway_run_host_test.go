package cli

import (
	"bytes"
	"errors"
	"testing"

	"hermes/internal/exitcode"
	"hermes/internal/profile"
	"hermes/internal/service"
)

// TestAHostHearsWhatItUnderstandsOfAnEnd: launchd and Windows start a process again whenever it ends with another code than 0.
func TestAHostHearsWhatItUnderstandsOfAnEnd(t *testing.T) {
	wrong, failed := &profile.ConfigError{}, errors.New("broken")
	for _, tt := range []struct {
		kind service.Kind
		err  error
		code int
	}{
		{service.KindSystemd, wrong, 78}, {service.KindSystemd, failed, 1},
		{service.KindLaunchd, wrong, 0}, {service.KindLaunchd, failed, 1}, {service.KindLaunchd, &codeError{failed, exitcode.Restart}, 75},
		{service.KindWindows, wrong, 0}, {service.KindWindows, &codeError{failed, exitcode.Root}, 0}, {service.KindWindows, nil, 0},
	} {
		var out bytes.Buffer
		o := gatewayRunOptions{app: &app{Streams: Streams{Out: &out, Err: &out}}}
		code, err := 0, o.hostExit(tt.kind, tt.err)
		if err != nil {
			code = exitCode(err)
		}
		if code != tt.code {
			t.Errorf("%s: %v ends with %d, want %d", tt.kind, tt.err, code, tt.code)
		}
		if said := out.Len() > 0; said != (tt.err != nil && err == nil) {
			t.Errorf("%s: %v: %q is said here", tt.kind, tt.err, out.String())
		}
	}
}
