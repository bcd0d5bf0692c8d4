package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hermes/internal/profile"
	"hermes/internal/service"
	"hermes/internal/store"
)

func TestEveryWayInWhichAGatewayIsWrongIsToldWithAWayOut(t *testing.T) {
	ago := func(d time.Duration) service.Death {
		return service.Death{Time: time.Now().Add(-d), ExitCode: -1, Signal: "SIGKILL"}
	}
	oom := func(d time.Duration) service.Death {
		died := ago(d)
		died.OutOfMemory = true
		return died
	}
	exit1 := service.Death{Time: time.Now(), ExitCode: 1}
	serving := service.Status{Up: true, Ready: true, WantUp: true, PID: 7, Restarts: 1}
	with := func(st service.Status, d service.Death) service.Status {
		st.LastFailure = d
		return st
	}
	const running, stopped = `{"gateway_state":"running","desired_state":"running"}`, `{"gateway_state":"stopped","desired_state":"stopped","exit_reason":"stopped"}`
	for name, tt := range map[string]struct {
		status     service.Status
		state      string
		severity   Severity // "" if nothing is wrong
		what, mend string
	}{
		"it serves":               {serving, running, "", "", ""},
		"it is stopped":           {service.Status{ExitCode: 143}, stopped, "", "", ""},
		"it never ran":            {service.Status{ExitCode: -1}, "", "", "", ""},
		"it just starts":          {service.Status{Up: true, WantUp: true, For: time.Second}, running, "", "", ""},
		"stopped after a failure": {with(service.Status{ExitCode: 143}, exit1), stopped, "", "", ""},
		"it waits for its next try": {service.Status{Up: true, WantUp: true, Backoff: true, Restarts: 4, LastFailure: exit1},
			`{"gateway_state":"starting","exit_reason":"cannot open the database"}`, Error, "fails again and again: exit code 1, at ", "`hermes -p coder gateway logs -n 20`"},
		"it is between two tries": {service.Status{WantUp: true, Restarts: 1, LastFailure: exit1}, running, Error, ", restarted once", "gateway restart`"},
		"it was given up": {service.Status{ExitCode: 1, LastFailure: exit1}, `{"gateway_state":"startup_failed","exit_reason":"gave up"}`,
			Error, "is not started any more: gave up", "gateway restart`"},
		"it was given up, and the volume is full":    {with(service.Status{ExitCode: 1, Restarts: 9}, exit1), running, Error, "is not started any more: exit code 1, at ", "gateway restart`"},
		"its manager gave it up":                     {service.Status{ExitCode: 1, GaveUp: "gave up after 10 failures"}, running, Error, "gave up after 10 failures", "gateway restart`"},
		"it is to run and is down":                   {service.Status{}, running, Warning, "is to run, but the supervisor keeps it down", "gateway start`"},
		"it is to be down and runs":                  {service.Status{Up: true, WantUp: true}, stopped, Warning, "is to be down, but the supervisor wants it up", "gateway stop`"},
		"it does not get ready":                      {service.Status{Up: true, WantUp: true, For: time.Hour}, running, Warning, "has been starting for 1h0m0s", "gateway logs"},
		"it was killed a moment ago":                 {with(serving, ago(time.Minute)), running, Warning, "runs again after a failure: killed by SIGKILL, at ", "gateway logs"},
		"it was killed a day ago":                    {with(serving, ago(25*time.Hour)), running, Note, "killed by SIGKILL, at ", "gateway logs"},
		"it was killed for want of memory":           {with(serving, oom(2*time.Hour)), running, Warning, "killed by SIGKILL, out of memory, at ", "give it more memory"},
		"it was killed for want of memory, days ago": {with(serving, oom(50*time.Hour)), running, Note, "out of memory", "give it more memory"},
		"it does not answer":                         {service.Status{Up: true, Ready: true, WantUp: true, PID: 4711}, running, Error, "(pid 4711) does not answer: it is silent", "gateway restart`"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPatient(t)
			h := p.profile("coder")
			if tt.state != "" {
				p.write(h.StateFile(), tt.state, 0o644)
			}
			p.Manager = &manager{status: map[string]service.Status{"default": {}, "coder": tt.status}}
			p.Ask = func(_ context.Context, h profile.Home) error {
				if tt.status.PID == 4711 {
					return errors.New("it is silent")
				}
				return nil
			}
			var told []Finding
			for _, f := range p.examine() {
				if f.Check == "gateways" {
					told = append(told, f)
				}
			}
			switch {
			case tt.severity == "" && len(told) == 0:
			case len(told) != 1 || told[0].Severity != tt.severity || told[0].Profile != "coder" || !strings.Contains(told[0].What, tt.what) || !strings.Contains(told[0].Mend, tt.mend):
				t.Errorf("got %+v", told)
			case strings.Contains(tt.state, "cannot open") && !strings.HasSuffix(told[0].What, ": cannot open the database"):
				t.Errorf("the reason is missing: %+v", told)
			}
		})
	}
}

func TestAReasonOfAnyLengthIsCut(t *testing.T) {
	p := newPatient(t)
	h := p.profile("coder")
	p.write(h.StateFile(), `{"gateway_state":"startup_failed","exit_reason":"`+strings.Repeat("ü", 100_000)+`"}`, 0o644)
	if f := found(t, p.examine(), "is not started any more: ü"); len(f.What) > 2000 || !strings.HasSuffix(f.What, "ü…") {
		t.Errorf("%d bytes", len(f.What))
	}
}

func TestEveryWayInWhichTheDashboardIsWrongIsToldWithAWayOut(t *testing.T) {
	exit := func(code int) service.Death { return service.Death{Time: time.Now(), ExitCode: code} }
	for name, tt := range map[string]struct {
		status     *service.Status
		asked      bool
		severity   Severity
		what, mend string
	}{
		"it is up":               {&service.Status{Up: true, Ready: true, WantUp: true}, true, "", "", ""},
		"nobody asked":           {&service.Status{ExitCode: -1}, false, "", "", ""},
		"no slot, nobody asked":  {nil, false, "", "", ""},
		"it just starts":         {&service.Status{Up: true, WantUp: true}, true, "", "", ""},
		"no slot":                {nil, true, Error, "has no slot", "restart the container"},
		"kept down":              {&service.Status{ExitCode: -1}, true, Warning, "keeps it down", "restart the container"},
		"wrong configuration":    {&service.Status{ExitCode: 78, LastFailure: exit(78)}, true, Error, "the dashboard is down: exit code 78, at ", "restart the container"},
		"it fails":               {&service.Status{Up: true, WantUp: true, Backoff: true, Restarts: 3, LastFailure: exit(1)}, false, Error, "the dashboard fails again and again: exit code 1, at ", "restart the container"},
		"it does not get ready":  {&service.Status{Up: true, WantUp: true, For: time.Hour}, false, Warning, "has been starting for 1h0m0s", "restart the container"},
		"it was killed, is back": {&service.Status{Up: true, Ready: true, WantUp: true, LastFailure: service.Death{Time: time.Now(), ExitCode: -1, Signal: "SIGKILL"}}, true, Warning, "the dashboard runs again after a failure: killed by SIGKILL", "logs"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPatient(t)
			p.Dashboard = tt.asked
			p.Manager = &manager{status: map[string]service.Status{"default": {}}, dashboard: tt.status}
			p.write(filepath.Join(p.Store.Root(), "logs", "dashboard", "current"),
				"2026-11-29 20:10:03.000000000  ✗ it says why\n2026-11-29 20:10:03.000000001  dashboard failed (exit code 1): it is started again at once\n", 0o644)
			var told []Finding
			for _, f := range p.examine() {
				if f.Check == "dashboard" {
					told = append(told, f)
				}
			}
			switch {
			case tt.severity == "" && len(told) == 0:
			case len(told) != 1 || told[0].Severity != tt.severity || !strings.Contains(told[0].What, tt.what) || !strings.Contains(told[0].Mend, tt.mend):
				t.Errorf("got %+v", told)
			case tt.severity == Error && tt.status != nil && !strings.HasSuffix(told[0].What, ": it says why"):
				t.Errorf("the reason is missing: %+v", told)
			}
		})
	}
	p := newPatient(t)
	p.Dashboard, p.Container = true, true
	if f := found(t, p.examine(), "no supervisor is here to run it"); f.Check != "dashboard" || f.Mend == "" {
		t.Errorf("got %+v", f)
	}
}

func TestADamagedDatabaseIsFound(t *testing.T) {
	p := newPatient(t)
	nonsense, torn, whole, link := p.profile("nonsense"), p.profile("torn"), p.profile("whole"), p.profile("link")
	p.write(nonsense.Database(), "this is no database, and it is longer than a header of one would be. "+strings.Repeat("x", 100), 0o600)
	for _, h := range []profile.Home{torn, whole} {
		s, err := store.Open(t.Context(), h.Database())
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			if err := s.Append(t.Context(), "s", store.Message{Role: "user", Content: strings.Repeat("words ", 500)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(torn.Database())
	if err != nil {
		t.Fatal(err)
	}
	for i := 8 << 10; i < len(data); i++ {
		data[i] ^= 0x5a
	}
	p.write(torn.Database(), string(data), 0o600)
	linked := os.Symlink(whole.Database(), link.Database()) == nil
	all := p.examine()
	for _, h := range []profile.Home{nonsense, torn} {
		f := found(t, all, h.Database())
		if f.Check != "databases" || f.Severity != Error || f.Profile != h.Name.String() || !strings.Contains(f.Mend, "mv ") || !strings.Contains(f.Mend, "gateway start`") {
			t.Errorf("got %+v", f)
		}
	}
	if linked {
		found(t, all, "is a symbolic link")
	}
	for _, f := range all {
		if f.Profile == "whole" || f.Profile == "default" {
			t.Errorf("got %+v", f)
		}
	}
	if left, err := filepath.Glob(whole.Database() + "-*"); err != nil || len(left) > 0 {
		t.Errorf("the examination left %q behind, %v", left, err)
	}
}

func TestSomethingElseInThePlaceOfAFileIsFound(t *testing.T) {
	p := newPatient(t)
	h := p.profile("coder")
	for _, path := range []string{h.LockFile(), h.PIDFile(), h.ProcessesFile(), h.TakeoverFile(), filepath.Join(h.LogDir(), "current"),
		filepath.Join(p.Store.Root(), "logs", "container-boot.log")} {
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if f := found(t, p.examine(), path+" is a directory: not a regular file"); f.Check != "files" || f.Severity != Error || !strings.Contains(f.Mend, "mv ") {
			t.Errorf("got %+v", f)
		}
	}
	p.write(h.CountersFile(), "{", 0o644)
	if f := found(t, p.examine(), "metrics.json"); f.Severity != Warning || f.Mend == "" {
		t.Errorf("got %+v", f)
	}
	p.write(filepath.Join(p.Store.Root(), ".active_profile"), "gone\n", 0o644)
	if f := found(t, p.examine(), "the profile that `hermes profile use` chose is not there"); !strings.Contains(f.Mend, "--clear") {
		t.Errorf("got %+v", f)
	}
}

func TestWhatABootLeftBehindIsFound(t *testing.T) {
	p := newPatient(t)
	p.profile("coder")
	mark := filepath.Join(p.Store.Root(), ".boot-working")
	p.write(mark, "coder", 0o600)
	for _, f := range p.examine() {
		if f.Check == "boot" {
			t.Errorf("a boot that is at work: %+v", f)
		}
	}
	then := time.Now().Add(-time.Hour)
	if err := os.Chtimes(mark, then, then); err != nil {
		t.Fatal(err)
	}
	if f := found(t, p.examine(), "was killed while it worked"); f.Check != "boot" || f.Severity != Warning || f.Mend == "" {
		t.Errorf("got %+v", f)
	}
}

func TestAUserWhomTheContainerCannotBecomeIsFound(t *testing.T) {
	p := newPatient(t)
	p.Image, p.Container, p.OneUser, p.GID = true, true, true, os.Getegid()
	env := map[string]string{"HERMES_UID": fmt.Sprint(p.UID), "PGID": "4711"}
	p.Getenv = func(name string) string { return env[name] }
	var told []Finding
	for _, f := range p.examine() {
		if f.Check == "boot" {
			told = append(told, f)
		}
	}
	if len(told) != 1 || told[0].Severity != Warning || !strings.HasPrefix(told[0].What, "PGID=4711 has no effect: ") || !strings.Contains(told[0].Mend, "--user") {
		t.Errorf("got %+v", told)
	}
}

func TestASlotWithoutItsSupervisorIsFound(t *testing.T) {
	p := newPatient(t)
	p.profile("coder")
	p.Manager = &manager{status: map[string]service.Status{"default": {}, "coder": {}}, deaf: "coder"}
	if f := found(t, p.examine(), "slot 'gateway-coder' has no supervisor that takes commands"); f.Check != "slots" || f.Severity != Error || !strings.Contains(f.Mend, "restart the container") {
		t.Errorf("got %+v", f)
	}
}

func TestAnImageWhoseEmbeddedSupervisorIsGone(t *testing.T) {
	p := newPatient(t)
	p.Image, p.Container, p.Embedded = true, true, true
	if f := found(t, p.examine(), "the supervisor of the gateways is not running"); f.Severity != Error || !strings.Contains(f.Mend, "docker logs") {
		t.Errorf("got %+v", f)
	}
	for _, f := range p.examine() {
		if strings.Contains(f.What, "s6") {
			t.Errorf("it has no s6: %+v", f)
		}
	}
}
