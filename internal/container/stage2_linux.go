package container

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hermes/internal/environment"
	"hermes/internal/exitcode"
)

// treeDeadline is how long the supervision trees may take until they take commands.
const treeDeadline = 20 * time.Second

// signalDelay is how long a signal that was sent to this process may take until its context ends. On an idle machine it takes
// microseconds.
const signalDelay = 5 * time.Second

// Stage2 boots the container and runs its command. At its end it tells the root tree to come down; by then the container's exit code
// is recorded. redirected has the same meaning as for Init. The error is what stopped the boot, if anything did.
func Stage2(dir string, command []string, redirected bool) error {
	l := Layout{dir}
	err := l.stage2(command, redirected)
	var ended *commandEnded
	code := 1
	switch {
	case errors.As(err, &ended):
		code, err = ended.code, nil
	case errors.Is(err, errInterrupted):
		code, err = stopCode(redirected), nil
	}
	if werr := os.WriteFile(l.exitCode(), []byte(strconv.Itoa(code)+"\n"), 0o644); werr != nil {
		err = errors.Join(err, werr)
	}
	if err != nil {
		// The reason must be the last line of the log, so the rest of the shutdown prints nothing.
		fmt.Fprintf(os.Stderr, "✗ hermes cannot boot: %v\n", err)
	}
	return l.halt()
}

// halt tells the root tree to come down.
func (l Layout) halt() error {
	for try := 1; ; try++ {
		out, err := exec.Command("s6-svscanctl", "-t", l.TreeDir()).CombinedOutput()
		var ended *exec.ExitError
		switch {
		case err == nil, noTree(out):
			return nil
		// If the container is going down already, a signal may have ended s6-svscanctl, so try again.
		case errors.As(err, &ended) && !ended.Exited() && try < 3:
		default:
			return fmt.Errorf("cannot stop the container: %w: %s", err, bytes.TrimSpace(out))
		}
	}
}

// noTree reports whether s6-svscanctl said that there is no s6-svscan to take its command.
func noTree(out []byte) bool {
	return bytes.Contains(out, []byte("not running")) || bytes.Contains(out, []byte("not listening"))
}

// commandEnded is the result of a command that has ended, with the container's exit code.
type commandEnded struct{ code int }

func (e *commandEnded) Error() string { return fmt.Sprintf("the command ended with code %d", e.code) }

var errInterrupted = errors.New("interrupted")

func (l Layout) stage2(command []string, redirected bool) error {
	// Signals that come during the boot are passed to the command too, if it is started all the same.
	signals := Signals()
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGINT)
	defer stop()
	rootReady := os.NewFile(3, "root-tree-ready")
	defer rootReady.Close()
	// Wait for the outer tree first, because processes look for the container's trees by the outer one (s6.RuntimeDir).
	within, cancel := context.WithTimeout(ctx, treeDeadline)
	err := awaitByte(within, rootReady)
	cancel()
	if err != nil {
		if ctx.Err() != nil {
			return errInterrupted
		}
		return fmt.Errorf("the root supervision tree does not come up: %w", err)
	}
	if err := runScripts(ctx, InitScripts, true); err != nil {
		if ctx.Err() != nil {
			return errInterrupted
		}
		return err
	}
	u, own, err := Current(environment.Get)
	if err != nil {
		return err
	}
	if err := l.startUserTree(ctx, u, own); err != nil {
		if ctx.Err() != nil {
			return errInterrupted
		}
		return err
	}
	argv, err := resolve(command)
	if err != nil {
		return err
	}
	stop()
	return runCommand(argv, u, own, signals, func(pid int) bool { return redirected || l.isHeartbeat(pid) })
}

// startUserTree adds the gateways' tree to root's tree and waits until it takes commands.
func (l Layout) startUserTree(ctx context.Context, u User, own bool) error {
	ctx, cancel := context.WithTimeout(ctx, treeDeadline)
	defer cancel()
	ready, err := os.OpenFile(l.userTreeReady(), os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("cannot wait for the gateways' tree: %w", err)
	}
	defer ready.Close()
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find this program: %w", err)
	}
	if err := l.writeUserTree(self, u, own); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "s6-svscanctl", "-a", l.TreeDir()).CombinedOutput(); err != nil {
		if noTree(out) {
			// Root's tree has come down: docker stop. It sent SIGTERM to this process before (stopScript), which may not have seen
			// it yet.
			select {
			case <-ctx.Done():
			case <-time.After(signalDelay):
			}
		}
		return fmt.Errorf("cannot start the gateways' tree: %w: %s", err, bytes.TrimSpace(out))
	}
	if err := awaitByte(ctx, ready); err != nil {
		return fmt.Errorf("the gateways' supervision tree does not come up: %w", err)
	}
	return nil
}

// awaitByte waits until it can read something from f, or ctx ends.
func awaitByte(ctx context.Context, f *os.File) error {
	got := make(chan error, 1)
	go func() {
		_, err := f.Read(make([]byte, 16))
		got <- err
	}()
	select {
	case err := <-got:
		return err
	case <-ctx.Done():
		f.Close()
		return ctx.Err()
	}
}

// runScripts runs the executable files of a directory, ordered by name. In strict mode it stops at the first that fails; the error
// has the last line that the script printed.
func runScripts(ctx context.Context, dir string, strict bool) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot list %s: %w", dir, err)
	}
	for _, e := range entries {
		if e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		var last lastLine
		err := runScript(ctx, path, &last)
		// If a script ended by a signal that we did not send, for example because memory was short, it may do better at the next
		// try: hermes boot reconcile then skips the profile that was the cause.
		for try := 1; try < scriptTries && killed(err) && ctx.Err() == nil; try++ {
			fmt.Fprintf(os.Stderr, "hermes init: %s: %v; it is run again\n", path, err)
			err = runScript(ctx, path, &last)
		}
		if err != nil && strict {
			if reason := last.String(); reason != "" {
				return fmt.Errorf("%s: %w: %s", path, err, reason)
			}
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

// scriptTries is how often a script that is killed is tried. With 5 tries, two profiles that kill a reconcile can be found, each
// with two.
const scriptTries = 5

func runScript(ctx context.Context, path string, last *lastLine) error {
	cmd := exec.CommandContext(ctx, path)
	// Scripts write to standard error, because the container's standard output belongs to its command.
	said := io.MultiWriter(os.Stderr, last)
	cmd.Stdout, cmd.Stderr = said, said
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
	cmd.WaitDelay = 2 * time.Second
	return cmd.Run()
}

// killed reports whether a signal ended a process.
func killed(err error) bool {
	var ended *exec.ExitError
	if !errors.As(err, &ended) {
		return false
	}
	status, ok := ended.Sys().(syscall.WaitStatus)
	return ok && status.Signaled()
}

// lastLine keeps the last line written to it that is not blank, up to 1 kB.
type lastLine struct{ line, rest []byte }

func (l *lastLine) Write(p []byte) (int, error) {
	for _, c := range p {
		if c != '\n' {
			if len(l.rest) < 1024 {
				l.rest = append(l.rest, c)
			}
			continue
		}
		if len(bytes.TrimSpace(l.rest)) > 0 {
			l.line = append(l.line[:0], l.rest...)
		}
		l.rest = l.rest[:0]
	}
	return len(p), nil
}

func (l *lastLine) String() string {
	s := l.line
	if len(bytes.TrimSpace(l.rest)) > 0 {
		s = l.rest
	}
	return strings.TrimPrefix(strings.TrimSpace(string(s)), "✗ ")
}

// resolve turns the container's arguments into a command line. Without arguments it is hermes; if the first is a program on PATH, it
// is that program; otherwise the arguments are arguments of hermes.
func resolve(command []string) ([]string, error) {
	if len(command) == 0 {
		command = []string{}
	} else if path, err := exec.LookPath(command[0]); err == nil {
		return append([]string{path}, command...), nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("cannot find this program: %w", err)
	}
	return append([]string{self, "hermes"}, command...), nil
}

// OwnArguments returns the arguments with which a container's command runs hermes. ours is false if the command is another program.
func OwnArguments(command []string) (args []string, ours bool) {
	argv, err := resolve(command)
	if err != nil {
		return nil, false
	}
	self, err1 := os.Stat("/proc/self/exe")
	program, err2 := os.Stat(argv[0])
	return argv[2:], err1 == nil && err2 == nil && os.SameFile(self, program)
}

// runCommand runs argv[0] with the arguments argv[1:] as the runtime user, on the container's terminal if it has one, and passes the
// signals on to it. handsOver reports whether a process is the heartbeat of the redirect, or is about to become it.
func runCommand(argv []string, u User, own bool, signals <-chan os.Signal, handsOver func(pid int) bool) error {
	Umask(environment.Get) // for the command; from here on nothing is made that others must be able to read
	cmd := &exec.Cmd{Path: argv[0], Args: argv[1:], Env: commandEnv(os.Environ(), u)}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if !own {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(u.UID), Gid: uint32(u.GID), Groups: []uint32{uint32(u.GID)}}
	}
	if _, err := unix.IoctlGetTermios(0, unix.TCGETS); err == nil {
		takeTerminal(cmd, u)
	}
	if err := cmd.Start(); err != nil {
		fmt.Fprintf(os.Stderr, "✗ cannot run %s: %v\n", argv[0], errors.Unwrap(err))
		// The same codes as a shell's: 126 if the command cannot be executed, 127 if it does not exist.
		if errors.Is(err, os.ErrNotExist) {
			return &commandEnded{127}
		}
		return &commandEnded{126}
	}
	done := make(chan struct{})
	var told atomic.Bool
	go func() {
		for {
			select {
			case s := <-signals:
				if s == unix.SIGTERM || s == unix.SIGINT {
					told.Store(true)
				}
				_ = cmd.Process.Signal(s) // the command may have ended just now
			case <-done:
				return
			}
		}
	}()
	err := cmd.Wait()
	close(done)
	if cmd.ProcessState == nil {
		return fmt.Errorf("cannot wait for the command: %w", err)
	}
	heartbeat := handsOver(cmd.Process.Pid)
	if heartbeat && told.Load() { // M6; also if the command found that its supervisor was already on its way down
		return &commandEnded{0}
	}
	return &commandEnded{exitCode(cmd.ProcessState, heartbeat)}
}

// takeTerminal makes the command the foreground job of the container's terminal, so that a shell has job control and Ctrl-C reaches
// only the command.
func takeTerminal(cmd *exec.Cmd, u User) {
	// A background process that makes itself the foreground job gets SIGTTOU, so ignore that signal. The command would inherit that,
	// so env(1) resets it right before the command starts.
	signal.Ignore(unix.SIGTTOU, unix.SIGTTIN)
	cmd.SysProcAttr.Foreground, cmd.SysProcAttr.Ctty = true, 0
	cmd.Args = append([]string{"env", "--default-signal=TTOU,TTIN", "--argv0=" + cmd.Args[0], cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/usr/bin/env"
	// Programs such as tmux or sudo open the terminal by name, so it must belong to the command's user.
	_ = unix.Fchown(0, u.UID, -1)
}

// exitCode returns the code that a shell would return: the exit code, or 128 plus the signal's number. For the heartbeat of the
// redirect it returns 0 if it was told to stop (M6).
func exitCode(st *os.ProcessState, heartbeat bool) int {
	ws, ok := st.Sys().(syscall.WaitStatus)
	if !ok || !ws.Signaled() {
		return st.ExitCode()
	}
	if heartbeat && (ws.Signal() == unix.SIGTERM || ws.Signal() == unix.SIGINT) {
		return 0
	}
	return exitcode.Signal(int(ws.Signal()))
}
