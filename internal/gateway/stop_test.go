//go:build linux

package gateway

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"hermes/internal/profile"
)

func TestStopEndsAForegroundGatewayAndReturnsWhenItIsDown(t *testing.T) {
	w := newWorld(t, "")
	p := w.start("gateway")
	if err := profile.SetDesired(t.Context(), w.home, profile.DesiredStopped); err != nil {
		t.Fatal(err)
	}
	if err := Stop(t.Context(), w.home, deadline); err != nil {
		t.Fatal(err)
	}
	lock, err := w.home.Files().TryLock(profile.LockName)
	if err != nil {
		t.Fatal(err)
	}
	lock.Unlock()
	p.wantCode(0)
	if err := Stop(t.Context(), w.home, 0); err != nil {
		t.Error("one that is down: ", err)
	}
}

func TestStopSaysWhoDoesNotEndAndWhoCannotBeSeen(t *testing.T) {
	w := newWorld(t, "")
	p := w.start("stubborn")
	if err := Stop(t.Context(), w.home, 20*time.Millisecond); err == nil {
		t.Error("stopped")
	}
	p.signal(syscall.SIGKILL)
	p.code()
	p = w.start("nameless")
	var running *profile.RunningError
	if err := Stop(t.Context(), w.home, 20*time.Millisecond); !errors.As(err, &running) || running.PID != 0 {
		t.Error(err)
	}
	p.signal(syscall.SIGKILL)
	p.code()
}
