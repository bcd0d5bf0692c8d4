//go:build unix

package servicetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hermes/internal/profile"
	"hermes/internal/service"
)

// States of a service, for Want and Await.
var (
	down    = service.Status{}
	ready   = service.Status{Up: true, Ready: true, WantUp: true}
	pausing = service.Status{Up: true, WantUp: true, Backoff: true}
)

// prompt is how long an action may take that has nothing to wait for, even on a busy machine. It is far shorter than the pause of a
// minute for which the action must not wait.
const prompt = 15 * time.Second

// Run checks that a manager keeps the promises of service.Manager.
func Run(t *testing.T, h Harness) {
	for _, tt := range []struct {
		name string
		test func(*testing.T, Rig)
	}{
		{"RegisteredServiceIsDown", registeredIsDown},
		{"RegisteredUpServiceStarts", registeredUp},
		{"RegisteringTwiceChangesNothingThatRuns", registerTwice},
		{"StartReturnsWhenReadyAndStopWhenDown", startStop},
		{"StartOfAReadyServiceChangesNothing", startTwice},
		{"RestartGivesANewProcess", restart},
		{"RestartSurvivesAProcessThatEndsCleanly", restartCleanExit},
		{"RestartOfADownServiceStartsIt", restartDown},
		{"NeverReadyIsToldAfterTheWait", neverReady},
		{"PermanentFailureIsToldAtOnce", permanentFailure},
		{"CrashBeforeReadyIsToldAtOnce", crashBeforeReady},
		{"CrashAfterReadyIsMended", crashAfterReady},
		{"GivenUpServiceIsStartedByHand", gaveUp},
		{"StartCutsABackoffShort", startInBackoff},
		{"RestartCutsABackoffShort", restartInBackoff},
		{"StopInABackoffIsAtOnce", stopInBackoff},
		{"StubbornServiceIsToldThenKilled", stubborn},
		{"StopOutlivesTheSupervisor", stopPersists},
		{"StartOutlivesTheSupervisor", startPersists},
		{"UnregisterEndsWhatRuns", unregister},
		{"UnregisterEndsALoggerThatIsHeldOpen", unregisterHeldOpen},
		{"AHangUpIsNoFailure", hangUp},
		{"UnknownServicesAreNamed", unknown},
		{"RefusedCommandsSayWhy", refused},
		{"CancelledWaitLeavesNoProcess", cancelled},
		{"ListTellsOfAllByName", list},
		{"AWatcherHearsOfEveryChange", watched},
		{"ParallelStartsAllReturn", parallelStarts},
		{"ParallelUse", parallelUse},
		{"ParallelRegisterAndUnregister", parallelRegister},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.test(t, h.New(t))
		})
	}
}

func registeredIsDown(t *testing.T, r Rig) {
	id := r.Register(t, "coder", Ready)
	if st := r.Want(t, id, down); st.ID != id || st.LastExit() != "" {
		t.Errorf("status is %+v", st)
	}
	Never(t, 200*time.Millisecond, func() string {
		if n := len(r.Starts(t, id)); n != 0 {
			return fmt.Sprintf("%d starts of a service that nobody started", n)
		}
		return ""
	})
}

func registeredUp(t *testing.T, r Rig) {
	id := gateway(t, "default")
	r.Behave(t, id, Ready)
	if err := r.Manager.Register(t.Context(), service.Spec{ID: id, Up: true}); err != nil {
		t.Fatal(err)
	}
	r.Await(t, id, ready)
}

func registerTwice(t *testing.T, r Rig) {
	id := r.Register(t, "coder", Ready)
	for _, up := range []bool{true, false} {
		if err := r.Manager.Register(t.Context(), service.Spec{ID: id, Up: up}); err != nil {
			t.Fatal(err)
		}
		r.Want(t, id, down)
	}
	before := r.Start(t, id)
	if err := r.Manager.Register(t.Context(), service.Spec{ID: id}); err != nil {
		t.Fatal(err)
	}
	if after := r.Want(t, id, ready); after.PID != before.PID {
		t.Errorf("pid %d became %d", before.PID, after.PID)
	}
}

func startStop(t *testing.T, r Rig) {
	id := r.Register(t, "coder", Ready)
	for range 3 {
		st := r.Start(t, id)
		if pids := r.Starts(t, id); st.PID != pids[len(pids)-1] {
			t.Fatalf("pid %d, but the program's is %v", st.PID, pids)
		}
		if err := r.Manager.Stop(t.Context(), id, deadline); err != nil {
			t.Fatal(err)
		}
		st = r.Want(t, id, down)
		if st.LastExit() != "exit code 143" && !(r.ForgetsStops && st.LastExit() == "") {
			t.Errorf("last exit is %q", st.LastExit())
		}
		if err := syscallKill0(r.Starts(t, id)); err == nil {
			t.Fatal("Stop returned and the process lives")
		}
		if err := r.Manager.Stop(t.Context(), id, prompt); err != nil {
			t.Errorf("Stop of a service that is down: %v", err)
		}
	}
}

// syscallKill0 returns nil if the last of the processes lives.
func syscallKill0(pids []int) error { return syscall.Kill(pids[len(pids)-1], 0) }

func startTwice(t *testing.T, r Rig) {
	id := r.Register(t, "coder", Ready)
	before := r.Start(t, id)
	if after := r.Start(t, id); after.PID != before.PID {
		t.Errorf("pid %d became %d", before.PID, after.PID)
	}
	if n := len(r.Starts(t, id)); n != 1 {
		t.Errorf("%d starts", n)
	}
}

// hangUp sends SIGHUP. That means that the process was told to end, so the next start must come without a pause.
func hangUp(t *testing.T, r Rig) {
	id := r.Register(t, "coder", Ready)
	pid, naps := r.Start(t, id).PID, 0
	for n := 2; n <= 3; n++ {
		if err := syscall.Kill(pid, syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		Eventually(t, func() string {
			st, err := r.Manager.Status(t.Context(), id)
			if err == nil && st.Backoff {
				naps++
			}
			if started := len(r.Starts(t, id)); err != nil || started != n || !st.Ready {
				return fmt.Sprintf("%d starts, want %d; %+v, %v", started, n, st, err)
			}
			pid = st.PID
			return ""
		})
	}
	if naps > 0 && r.Tries != 1 { // systemd waits before every start
		t.Error("it waited before it was started again")
	}
}

func restart(t *testing.T, r Rig) {
	id := r.Register(t, "coder", Ready)
	before := r.Start(t, id)
	for range 3 {
		if err := r.Manager.Restart(t.Context(), id, deadline); err != nil {
			t.Fatal(err)
		}
		after := r.Want(t, id, ready)
		if after.PID == before.PID {
			t.Fatalf("still pid %d", after.PID)
		}
		before = after
	}
	if n := len(r.Starts(t, id)); n != 4 {
		t.Errorf("%d starts, want 4", n)
	}
	r.Deaths(t, id, 0, "") // the end was asked for, so it is no failure
	if err := r.Manager.Restart(t.Context(), id, 0); err != nil {
		t.Fatal(err)
	}
	Eventually(t, func() string {
		if n := len(r.Starts(t, id)); n != 5 {
			return fmt.Sprintf("%d starts, want 5", n)
		}
		return ""
	})
	r.Await(t, id, ready)
}

func restartCleanExit(t *testing.T, r Rig) {
	id := r.Register(t, "coder", Ready, TermCode.With(0))
	before := r.Start(t, id)
	if err := r.Manager.Restart(t.Context(), id, deadline); err != nil {
		t.Fatal(err)
	}
	if after := r.Want(t, id, ready); after.PID == before.PID {
		t.Errorf("still pid %d", after.PID)
	}
}

func restartDown(t *testing.T, r Rig) {
	id := r.Register(t, "coder", Ready)
	if err := r.Manager.Restart(t.Context(), id, deadline); err != nil {
		t.Fatal(err)
	}
	r.Want(t, id, ready)
}

func neverReady(t *testing.T, r Rig) {
	id := r.Register(t, "coder", NeverReady)
	const wait = 300 * time.Millisecond
	for name, act := range map[string]func(context.Context, service.ID, time.Duration) error{
		"start": r.Manager.Start, "start again": r.Manager.Start, "restart": r.Manager.Restart,
	} {
		begun := time.Now()
		e := notReady(t, act(t.Context(), id, wait))
		if e.Ended || e.GaveUp || e.Waited < wait || time.Since(begun) < wait {
			t.Errorf("%s: %+v after %s", name, e, time.Since(begun))
		}
	}
	if st := r.Await(t, id, service.Status{Up: true, WantUp: true}); st.Ready {
		t.Error("ready")
	}
	// Without a wait the manager does not look whether the service becomes ready.
	if err := r.Manager.Start(t.Context(), id, 0); err != nil {
		t.Error(err)
	}
}

func notReady(t *testing.T, err error) *service.NotReadyError {
	t.Helper()
	var e *service.NotReadyError
	if !errors.As(err, &e) {
		t.Fatalf("error is %v (%T), want *NotReadyError", err, err)
	}
	return e
}

func permanentFailure(t *testing.T, r Rig) {
	id := r.Register(t, "coder", Exit.With(78))
	for n := 1; n <= 2; n++ {
		begun := time.Now()
		e := notReady(t, r.Manager.Start(t.Context(), id, time.Minute))
		if !e.Ended || !e.GaveUp || e.ExitCode != 78 || e.Signal != "" || time.Since(begun) > deadline {
			t.Errorf("%+v after %s", e, time.Since(begun))
		}
		if st := r.Await(t, id, down); st.LastExit() != "exit code 78" {
			t.Errorf("last exit is %q", st.LastExit())
		}
		if got := len(r.Starts(t, id)); got != n {
			t.Errorf("%d starts, want %d", got, n)
		}
		r.Deaths(t, id, 0, "exit code 78")
	}
	// s6 does not start a service twice within a second, so check for longer than that.
	Never(t, 1200*time.Millisecond, func() string {
		if n := len(r.Starts(t, id)); n != 2 {
			return fmt.Sprintf("%d starts, want 2", n)
		}
		return ""
	})
	r.Behave(t, id, Ready)
	r.Start(t, id)
}

func crashBeforeReady(t *testing.T, r Rig) {
	id := r.Register(t, "coder", Exit.With(3))
	begun := time.Now()
	e := notReady(t, r.Manager.Start(t.Context(), id, time.Minute))
	if !e.Ended || e.GaveUp || e.ExitCode != 3 || time.Since(begun) > deadline {
		t.Errorf("%+v after %s", e, time.Since(begun))
	}
	r.Behave(t, id, Ready)
	r.Await(t, id, ready)
}

func crashAfterReady(t *testing.T, r Rig) {
	id := r.Register(t, "coder", Ready)
	before := r.Start(t, id)
	syscall.Kill(before.PID, syscall.SIGKILL)
	Eventually(t, func() string {
		if st, err := r.Manager.Status(t.Context(), id); err != nil || !same(st, ready) || st.PID == before.PID {
			return fmt.Sprintf("%+v %v", st, err)
		}
		return ""
	})
	r.Deaths(t, id, 1, "killed by SIGKILL")
	r.Told(t, id, "gateway-coder failed (killed by SIGKILL): it is started again at once")
	r.Want(t, id, ready)
}

func gaveUp(t *testing.T, r Rig) {
	r.SetBackoff(t, 10*time.Millisecond, 2)
	id := r.Register(t, "coder", Exit.With(1))
	notReady(t, r.Manager.Start(t.Context(), id, deadline))
	r.Await(t, id, down)
	if n := len(r.Starts(t, id)); n != 2 {
		t.Errorf("%d starts, want 2", n)
	}
	// The earlier failures are forgotten, so the service has all its tries again. If the manager is slow to report, they may all
	// have failed already.
	e := notReady(t, r.Manager.Start(t.Context(), id, deadline))
	if n := len(r.Starts(t, id)); e.GaveUp && n < 4 {
		t.Errorf("gave up after %d starts, want 4: %v", n, e)
	}
	r.Await(t, id, down)
	if n := len(r.Starts(t, id)); n != 4 {
		t.Errorf("%d starts, want 4", n)
	}
	if !r.ForgetsFailures {
		r.Deaths(t, id, 1, "exit code 1")
	}
}

// inBackoff returns a service that waits a minute for its next start.
func inBackoff(t *testing.T, r Rig) service.ID {
	t.Helper()
	r.SetBackoff(t, time.Minute, 10)
	id := r.Register(t, "coder", Exit.With(1))
	notReady(t, r.Manager.Start(t.Context(), id, deadline))
	r.Await(t, id, pausing)
	r.Behave(t, id, Ready)
	return id
}

func startInBackoff(t *testing.T, r Rig) {
	id := inBackoff(t, r)
	begun := time.Now()
	r.Start(t, id)
	if d := time.Since(begun); d > prompt {
		t.Errorf("took %s", d)
	}
}

func restartInBackoff(t *testing.T, r Rig) {
	id := inBackoff(t, r)
	begun := time.Now()
	if err := r.Manager.Restart(t.Context(), id, deadline); err != nil {
		t.Fatal(err)
	}
	r.Want(t, id, ready)
	if d := time.Since(begun); d > prompt {
		t.Errorf("took %s", d)
	}
}

func stopInBackoff(t *testing.T, r Rig) {
	id := inBackoff(t, r)
	begun := time.Now()
	if err := r.Manager.Stop(t.Context(), id, deadline); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(begun); d > prompt {
		t.Errorf("took %s", d)
	}
	r.Want(t, id, down)
	if n, want := len(r.Starts(t, id)), cmp.Or(r.Tries, 2); n != want {
		t.Errorf("%d starts, want %d", n, want)
	}
	// After that there is no pause any more.
	begun = time.Now()
	r.Start(t, id)
	if d := time.Since(begun); d > prompt {
		t.Errorf("the next start took %s", d)
	}
}

func stubborn(t *testing.T, r Rig) {
	if r.Tells {
		r.SetBackoff(t, time.Minute, 1) // with this limit one more failure would make the manager give up
	}
	id := gateway(t, "coder")
	r.Behave(t, id, IgnoreTerm, Ready)
	if err := r.Manager.Register(t.Context(), service.Spec{ID: id, KillAfter: 4 * time.Second}); err != nil {
		t.Fatal(err)
	}
	pid := r.Start(t, id).PID
	err := r.Manager.Stop(t.Context(), id, 50*time.Millisecond)
	var e *service.NotDownError
	if !errors.As(err, &e) {
		t.Fatalf("error is %v, want *NotDownError", err)
	}
	if e.Service != id || e.PID != pid {
		t.Errorf("%+v, want pid %d", e, pid)
	}
	if st := r.Await(t, id, down); st.LastExit() != "killed by SIGKILL" {
		t.Errorf("last exit is %q", st.LastExit())
	}
	r.Told(t, id, "gateway-coder was told to end and did not do so by itself (killed by SIGKILL): it stays down")
}

// operator returns functions that start and stop a service as a person does: they write what is wanted into the profile's state and
// then tell the manager.
func (r Rig) operator(t *testing.T, id service.ID) (start, stop func() error) {
	t.Helper()
	n, ok := id.Profile()
	h := profile.NewStore(r.Home).Home(n)
	if !ok || os.MkdirAll(h.Dir, 0o755) != nil || os.WriteFile(h.Soul(), nil, 0o644) != nil {
		t.Fatalf("cannot make the profile of %s", id)
	}
	start = func() error {
		return errors.Join(profile.SetDesired(t.Context(), h, profile.DesiredRunning), r.Manager.Start(t.Context(), id, deadline))
	}
	stop = func() error {
		return errors.Join(profile.SetDesired(t.Context(), h, profile.DesiredStopped), r.Manager.Stop(t.Context(), id, deadline))
	}
	return start, stop
}

func stopPersists(t *testing.T, r Rig) {
	id := r.Register(t, "coder", Ready)
	start, stop := r.operator(t, id)
	if err := errors.Join(start(), stop()); err != nil {
		t.Fatal(err)
	}
	r.RestartSupervisor(t)
	Never(t, time.Second, func() string {
		if n := len(r.Starts(t, id)); n != 1 {
			return fmt.Sprintf("%d starts, want 1", n)
		}
		return ""
	})
	r.Want(t, id, down)
}

func startPersists(t *testing.T, r Rig) {
	id := r.Register(t, "coder", Ready)
	start, _ := r.operator(t, id)
	if err := start(); err != nil {
		t.Fatal(err)
	}
	r.RestartSupervisor(t)
	r.Await(t, id, ready)
}

func unregister(t *testing.T, r Rig) {
	id := r.Register(t, "coder", Ready)
	other := r.Register(t, "other", Ready)
	pid := r.Start(t, other).PID
	r.Start(t, id)
	if err := r.Manager.Unregister(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if left := r.Leftovers(t, id); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
	wantNoSuchGateway(t, "unregister", r.Manager.Unregister(t.Context(), id), "coder")
	if st := r.Want(t, other, ready); st.PID != pid {
		t.Error("the other service was touched")
	}
	// A service of the same name can be registered again, and is new.
	r.Register(t, "coder", Ready)
	r.Want(t, id, down)
	r.Start(t, id)
}

func unregisterHeldOpen(t *testing.T, r Rig) {
	id := r.Register(t, "coder", LeaveChild, Ready)
	r.Start(t, id)
	if err := r.Manager.Unregister(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

func wantNoSuchGateway(t *testing.T, action string, err error, profile string) {
	t.Helper()
	var e *service.GatewayNotRegisteredError
	if !errors.As(err, &e) {
		t.Errorf("%s: error is %v (%T)", action, err, err)
		return
	}
	want := "no such gateway '" + profile + "': register it with `hermes profile create " + profile +
		"` first, or pass an existing profile name via `-p <name>`"
	if err.Error() != want {
		t.Errorf("%s: message is\n%s\nwant\n%s", action, err, want)
	}
}

// wantS6Error checks that an error is a service.S6Error, as all errors of managers are (M7).
func wantS6Error(t *testing.T, action string, err error) {
	t.Helper()
	var base service.S6Error
	if !errors.As(err, &base) {
		t.Errorf("%s: error is %v (%T), no S6Error", action, err, err)
	}
}

func unknown(t *testing.T, r Rig) {
	id := gateway(t, "typo")
	m := r.Manager
	_, statusErr := m.Status(t.Context(), id)
	for action, err := range map[string]error{
		"start": m.Start(t.Context(), id, deadline), "stop": m.Stop(t.Context(), id, deadline),
		"restart": m.Restart(t.Context(), id, deadline), "unregister": m.Unregister(t.Context(), id), "status": statusErr,
	} {
		wantNoSuchGateway(t, action, err, "typo")
		wantS6Error(t, action, err)
	}
	var e *service.NotRegisteredError
	if err := m.Start(t.Context(), service.Dashboard(), deadline); !errors.As(err, &e) {
		t.Errorf("dashboard: error is %v", err)
	}
}

func refused(t *testing.T, r Rig) {
	id := r.Register(t, "coder", Ready)
	mend := r.Break(t, id)
	waits := []time.Duration{deadline, 0} // the second one is used for one action only, because each try takes time
	for i, tt := range []struct {
		action string
		act    func(context.Context, service.ID, time.Duration) error
	}{{"start", r.Manager.Start}, {"stop", r.Manager.Stop}, {"restart", r.Manager.Restart}} {
		for _, wait := range waits[:max(1, 2-i)] {
			begun := time.Now()
			err := tt.act(t.Context(), id, wait)
			if d := time.Since(begun); d > prompt {
				t.Errorf("%s: took %s", tt.action, d)
			}
			wantS6Error(t, tt.action, err)
			if r.Refused != nil {
				r.Refused(t, tt.action, err)
				continue
			}
			var e *service.S6CommandError
			if !errors.As(err, &e) {
				t.Errorf("%s: error is %v (%T)", tt.action, err, err)
				continue
			}
			prefix := fmt.Sprintf("s6-svc %s on 'gateway-coder' failed (rc=%d): ", tt.action, e.ExitCode)
			if e.ExitCode == 0 || e.Stderr == "" || !strings.HasPrefix(err.Error(), prefix) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: message is %q, want %q and the reason", tt.action, err, prefix)
			}
		}
	}
	mend()
	r.Want(t, id, down)
	r.Start(t, id)
}

func cancelled(t *testing.T, r Rig) {
	id := r.Register(t, "coder", NeverReady)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Manager.Start(ctx, id, time.Hour) }()
	r.Await(t, id, service.Status{Up: true, WantUp: true})
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
	case <-time.After(deadline):
		t.Fatal("Start does not return")
	}
	Eventually(t, func() string { return strings.Join(r.Helpers(t), "\n") })
}

func list(t *testing.T, r Rig) {
	var want []service.ID
	for _, name := range []string{"b", "a", "default", "c-1"} {
		want = append(want, r.Register(t, name, Ready))
	}
	slices.SortFunc(want, func(a, b service.ID) int { return strings.Compare(a.String(), b.String()) })
	r.Start(t, want[1])
	all, err := r.Manager.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []service.ID
	for i, st := range all {
		got = append(got, st.ID)
		if st.Up != (i == 1) || st.Ready != st.Up {
			t.Errorf("%+v", st)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("listed %v, want %v", got, want)
	}
}

func parallelStarts(t *testing.T, r Rig) {
	id := r.Register(t, "coder", Ready)
	for range 3 {
		var wg sync.WaitGroup
		begun := time.Now()
		for range 8 {
			wg.Go(func() {
				if err := r.Manager.Start(t.Context(), id, time.Minute); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if d := time.Since(begun); d > deadline {
			t.Errorf("took %s", d)
		}
		r.Want(t, id, ready)
		if err := r.Manager.Stop(t.Context(), id, deadline); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(r.Starts(t, id)); n != 3 {
		t.Errorf("%d starts, want 3", n)
	}
}

func parallelUse(t *testing.T, r Rig) {
	ids := []service.ID{r.Register(t, "a", Ready), r.Register(t, "b", Ready), r.Register(t, "c", Ready)}
	var wg sync.WaitGroup
	for _, id := range ids {
		for _, act := range []func() error{
			func() error { return r.Manager.Start(t.Context(), id, 2*time.Second) },
			func() error { return r.Manager.Restart(t.Context(), id, 2*time.Second) },
			func() error { return r.Manager.Stop(t.Context(), id, 2*time.Second) },
			func() error { _, err := r.Manager.List(t.Context()); return err },
			func() error { return r.Manager.Register(t.Context(), service.Spec{ID: id}) },
		} {
			wg.Go(func() {
				for range 2 {
					// If one goroutine stops what another one starts, the start may rightly fail with "not ready".
					err := act()
					var notReady *service.NotReadyError
					var notDown *service.NotDownError
					if err != nil && !errors.As(err, &notReady) && !errors.As(err, &notDown) {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	for _, id := range ids {
		r.Start(t, id)
	}
}

func parallelRegister(t *testing.T, r Rig) {
	id := gateway(t, "coder")
	r.Behave(t, id, Ready)
	together := func(act func() error) (failed []error) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		for range 4 {
			wg.Go(func() {
				if err := act(); err != nil {
					mu.Lock()
					failed = append(failed, err)
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		return failed
	}
	if failed := together(func() error { return r.Manager.Register(t.Context(), service.Spec{ID: id}) }); failed != nil {
		t.Fatal(failed)
	}
	r.Start(t, id)
	failed := together(func() error { return r.Manager.Unregister(t.Context(), id) })
	if len(failed) != 3 {
		t.Errorf("%d of 4 failed, want 3", len(failed))
	}
	for _, err := range failed {
		wantNoSuchGateway(t, "unregister", err, "coder")
	}
	if left := r.Leftovers(t, id); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
}
