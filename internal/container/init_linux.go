package container

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"hermes/internal/environment"
	"hermes/internal/exitcode"
)

// Init is the first stage of the image's init. It chooses the run-time directory, writes the outer tree, starts the second stage
// with the container's command, and becomes s6-svscan. redirected says that the command leaves the gateway to the supervisor
// (Redirect). got has the signals so far and gets those to come (Signals). Init returns only if it fails.
func Init(got <-chan os.Signal, command []string, redirected bool) error {
	if os.Getpid() != 1 {
		// Not PID 1 (docker run --init): make this process the parent of orphans all the same. The setting survives execve(2).
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("cannot become a subreaper: %w", err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find this program: %w", err)
	}
	svscan, err := exec.LookPath("s6-svscan")
	if err != nil {
		return fmt.Errorf("cannot supervise: %w", err)
	}
	l, _, _, err := prepare(true)
	if err != nil {
		return err
	}
	if err := l.writeRootTree(self); err != nil {
		return err
	}
	if err := unix.Mkfifo(l.userTreeReady(), 0o600); err != nil {
		return fmt.Errorf("cannot prepare the supervision tree: %w", err)
	}
	// If the container ends before the second stage has recorded a code, it ends with this one.
	if err := os.WriteFile(l.exitCode(), fmt.Appendln(nil, stopCode(redirected)), 0o644); err != nil {
		return fmt.Errorf("cannot prepare the supervision tree: %w", err)
	}
	ready, err := l.startStage2(self, command)
	if err != nil {
		return err
	}
	// With -d s6-svscan writes a line to this descriptor when it takes commands.
	argv := []string{"s6-svscan", "-d", strconv.Itoa(ready), "-C", "16", l.TreeDir()}
	// A signal that comes after this loop is lost until s6-svscan has its handlers, some milliseconds later: it starts with the
	// system's default actions, which PID 1 does not have.
	for waiting := true; waiting; {
		select {
		case s := <-got:
			if s == unix.SIGTERM || s == unix.SIGINT {
				// Nothing has begun yet. The second stage would wait for s6-svscan, which does not come.
				_ = unix.Kill(readPID(l.stage2PID()), unix.SIGKILL)
				return &StoppedError{Code: stopCode(redirected)}
			}
		default:
			waiting = false
		}
	}
	return fmt.Errorf("cannot become s6-svscan: %w", unix.Exec(svscan, argv, []string{"PATH=" + systemPath}))
}

// StoppedError reports that the container was told to stop before anything in it had begun.
type StoppedError struct{ Code int }

func (e *StoppedError) Error() string { return "stopped before the boot" }

// initSignals are the signals for which s6-svscan runs a script of the outer tree (writeRootTree).
var initSignals = []os.Signal{unix.SIGTERM, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2}

// Signals catches the signals that a container's PID 1 gets. It is called first of all, because a docker stop may come at any
// moment, and a signal that PID 1 does not catch is lost.
func Signals() chan os.Signal {
	got := make(chan os.Signal, 16)
	signal.Notify(got, initSignals...)
	return got
}

// stopCode returns the exit code of a container that is stopped before its command has one: 0 under the redirect (M6), and otherwise
// that of a program that SIGTERM ended.
func stopCode(redirected bool) int {
	if redirected {
		return 0
	}
	return exitcode.Signal(int(unix.SIGTERM))
}

// prepare decides as which user everything runs, and creates the run-time directories with the container's environment. scripts says
// that scripts will be executed there.
func prepare(scripts bool) (l Layout, u User, own bool, err error) {
	if u, own, err = Current(environment.Get); err != nil {
		return l, u, own, err
	}
	if _, _, err = umask(environment.Get); err != nil {
		return l, u, own, err
	}
	if own && os.Geteuid() == 0 && u.UID != 0 {
		// Root lacks the capabilities for two levels, so leave out the root level and continue as the runtime user.
		lacking := missing(rootCaps)
		if err := DropPrivileges(u); err != nil {
			return l, u, own, err
		}
		fmt.Fprintf(os.Stderr, "hermes: root lacks capabilities here (%s): everything runs as uid %d, and the volume's ownership is not set right\n",
			strings.Join(lacking, ", "), u.UID)
	}
	if l, err = place(own, scripts); err != nil {
		return l, u, own, err
	}
	gid := u.GID
	if own {
		gid = -1
	}
	return l, u, own, l.writeEnvironments(os.Environ(), gid)
}

// startStage2 starts the second stage and returns the descriptor on which it waits for s6-svscan.
func (l Layout) startStage2(self string, command []string) (int, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return 0, fmt.Errorf("cannot make a pipe: %w", err)
	}
	cmd := exec.Command(self, append([]string{"init", "--stage2", l.Dir, "--"}, command...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{r}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("cannot start the second stage: %w", err)
	}
	if err := os.WriteFile(l.stage2PID(), []byte(strconv.Itoa(cmd.Process.Pid)+"\n"), 0o644); err != nil {
		return 0, err
	}
	r.Close()
	// The duplicate has no close-on-exec flag, and no finalizer closes it.
	fd, err := unix.Dup(int(w.Fd()))
	if err != nil {
		return 0, errors.Join(errors.New("cannot pass the pipe on"), err)
	}
	return fd, nil
}
