package launchd

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"hermes/internal/profile"
	"hermes/internal/service/hosted"
)

// New returns the manager of a home.
func New(o hosted.Options) *Manager {
	m := &Manager{home: o.Home, program: o.Program, user: o.User, store: profile.NewStore(o.Home), run: runLaunchctl, gone: processGone}
	system := jobScope{domain: systemDomain, dir: "/Library/LaunchDaemons"}
	m.install = system
	if home := o.Getenv("HOME"); filepath.IsAbs(home) && os.Geteuid() != 0 {
		user := jobScope{domain: "gui/" + strconv.Itoa(os.Geteuid()), dir: filepath.Join(home, "Library", "LaunchAgents")}
		m.scopes = append(m.scopes, user)
		m.install = user
	}
	m.scopes = append(m.scopes, system)
	if o.System {
		m.install = system
	}
	return m
}

func runLaunchctl(ctx context.Context, args ...string) (string, int, error) {
	cmd := exec.CommandContext(ctx, "/bin/launchctl", args...) //nolint:gosec // the arguments are ours
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() >= 0 {
		return out.String(), exit.ExitCode(), nil
	}
	return out.String(), 0, err
}

// processGone waits for the end of a process that is not our child (kqueue(2), EVFILT_PROC).
func processGone(ctx context.Context, pid int, wait time.Duration) bool {
	q, err := unix.Kqueue()
	if err != nil {
		return unix.Kill(pid, 0) != nil
	}
	defer unix.Close(q)
	var event unix.Kevent_t
	unix.SetKevent(&event, pid, unix.EVFILT_PROC, unix.EV_ADD|unix.EV_ONESHOT)
	event.Fflags = unix.NOTE_EXIT
	if _, err := unix.Kevent(q, []unix.Kevent_t{event}, nil, nil); err != nil {
		return errors.Is(err, unix.ESRCH)
	}
	for until := time.Now().Add(wait); ; {
		left := min(time.Until(until), time.Second) // the wait in the kernel does not end when ctx ends
		if left <= 0 || ctx.Err() != nil {
			return unix.Kill(pid, 0) != nil
		}
		limit := unix.NsecToTimespec(left.Nanoseconds())
		if n, err := unix.Kevent(q, nil, []unix.Kevent_t{event}, &limit); n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
			return unix.Kill(pid, 0) != nil || n > 0
		}
	}
}
