package systemd

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"

	"hermes/internal/service"
)

// facts is what systemd tells about a unit (org.freedesktop.systemd1(5)).
type facts struct {
	active, sub, result   string
	path                  string // the unit file that systemd read
	pid                   int
	code, status          int32 // ExecMainCode, which is cldExited or the like; and ExecMainStatus, which is a code or a signal
	began, exited         uint64
	changed               uint64
	restarts              uint32
	burst                 uint32
	interval, stopTimeout uint64 // in microseconds
	run                   string // the InvocationID, which is different for each start
	job                   dbus.ObjectPath
}

// Values of si_code for SIGCHLD (sigaction(2)).
const (
	cldExited = 1
	cldKilled = 2
	cldDumped = 3
)

func value[T any](props map[string]dbus.Variant, name string) (v T) {
	v, _ = props[name].Value().(T)
	return v
}

func parseFacts(props map[string]dbus.Variant) facts {
	f := facts{
		active: value[string](props, "ActiveState"), sub: value[string](props, "SubState"), result: value[string](props, "Result"),
		path: value[string](props, "FragmentPath"), pid: int(value[uint32](props, "MainPID")),
		code: value[int32](props, "ExecMainCode"), status: value[int32](props, "ExecMainStatus"),
		began: value[uint64](props, "ExecMainStartTimestamp"), exited: value[uint64](props, "ExecMainExitTimestamp"),
		changed: value[uint64](props, "StateChangeTimestamp"), restarts: value[uint32](props, "NRestarts"),
		burst: value[uint32](props, "StartLimitBurst"), interval: value[uint64](props, "StartLimitIntervalUSec"),
		stopTimeout: value[uint64](props, "TimeoutStopUSec"), run: hex.EncodeToString(value[[]byte](props, "InvocationID")),
	}
	if job := value[[]any](props, "Job"); len(job) == 2 && job[0] != uint32(0) {
		f.job, _ = job[1].(dbus.ObjectPath)
	}
	return f
}

// ready reports whether the gateway is ready. The unit has Type=notify, so it is active once its process has said that.
func (f facts) ready() bool { return f.active == "active" && f.pid != 0 }

// pausing reports whether systemd waits before it starts the service again. Since version 254 there is a second name for the end of
// the wait.
func (f facts) pausing() bool { return f.sub == "auto-restart" || f.sub == "auto-restart-queued" }

// down reports whether nothing runs, and nothing will run by itself.
func (f facts) down() bool { return f.active == "inactive" || f.active == "failed" }

// end returns how the last run ended if the service is down or pausing, and otherwise -1.
func (f facts) end() (code int, signal string) {
	if !f.down() && !f.pausing() || f.exited == 0 {
		return -1, ""
	}
	switch f.code {
	case cldExited:
		return int(f.status), ""
	case cldKilled, cldDumped:
		return -1, unix.SignalName(unix.Signal(f.status))
	}
	return -1, ""
}

func (f facts) serviceStatus(id service.ID) service.Status {
	st := service.Status{ID: id, Up: f.pid != 0, Ready: f.ready(), PID: f.pid, Restarts: int(f.restarts), Backoff: f.pausing()}
	st.WantUp = f.active == "active" || f.active == "activating" || f.active == "reloading" || f.job != "" && f.active != "deactivating"
	st.ExitCode, st.Signal = f.end()
	if st.ExitCode > 0 || st.Signal != "" { // if the unit runs again, systemd has forgotten it
		died := service.Death{Time: time.UnixMicro(int64(f.exited)).UTC(), ExitCode: st.ExitCode, Signal: st.Signal, OutOfMemory: f.result == "oom-kill"}
		if died.Failed() {
			st.LastFailure = died
		}
	}
	since := f.changed
	if st.Up {
		since = f.began
	}
	if since > 0 {
		st.For = max(0, time.Since(time.UnixMicro(int64(since))))
	}
	if f.active == "failed" && f.result == "start-limit-hit" {
		st.GaveUp = fmt.Sprintf("gave up after %d failures within %s", f.burst, time.Duration(f.interval)*time.Microsecond)
	}
	return st
}
