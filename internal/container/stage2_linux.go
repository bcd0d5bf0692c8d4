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

// treeDeadline is how long the supervision trees may take to answer.
const treeDeadline = 20 * time.Second

// Stage2 boots the container and runs its command. It ends by telling the root tree to come
// down; the code with which the container ends is then on record. redirected is Init's. The returned error is what
// stopped the boot, if anything did.
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
		// The last line of the log is the reason; what ends the container is silent.
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
		case err == nil, bytes.Contains(out, []byte("not running")), bytes.Contains(out, []byte("not listening")):
			return nil
		// A container that goes down already ends every process.
		case errors.As(err, &ended) && !ended.Exited() && try < 3:
		default:
			return fmt.Errorf("cannot stop the container: %w: %s", err, bytes.TrimSpace(out))
		}
	}
}

// commandEnded carries the container's exit code.
type commandEnded struct{ code int }

func (e *commandEnded) Error() string { return fmt.Sprintf("the command ended with code %d", e.code) }

var errInterrupted = errors.New("interrupted")

func (l Layout) stage2(command []string, redirected bool) error {
	// What comes during the boot is the command's too, if it is begun all the same.
	signals := Signals()
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGINT)
	defer stop()
	rootReady := os.NewFile(3, "root-tree-ready")
	defer rootReady.Close()
	// First: what looks for the container's trees finds them by the outer one (s6.RuntimeDir).
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

// startUserTree adds the gateways' tree to root's and waits until it takes commands.
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
		return fmt.Errorf("cannot start the gateways' tree: %w: %s", err, bytes.TrimSpace(out))
	}
	if err := awaitByte(ctx, ready); err != nil {
		return fmt.Errorf("the gateways' supervision tree does not come up: %w", err)
	}
	return nil
}

// awaitByte reads from f until something comes, or ctx ends.
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

// runScripts runs the executable files of a directory, by name. In strict mode the first that fails
// ends it, with the last line that the script said.
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
		// What ended by a signal that is not ours, as when memory is short, may know next time what to leave out (hermes
		// boot reconcile does).
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

// scriptTries is how often a script is run that is killed: twice for each of two profiles that kill a reconcile.
const scriptTries = 5

func runScript(ctx context.Context, path string, last *lastLine) error {
	cmd := exec.CommandContext(ctx, path)
	// The container's standard output belongs to its command.
	said := io.MultiWriter(os.Stderr, last)
	cmd.Stdout, cmd.Stderr = said, said
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
	cmd.WaitDelay = 2 * time.Second
	return cmd.Run()
}

// killed reports whether a process was ended by a signal.
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

// resolve turns the container's arguments into a command line: none is hermes, a program on PATH is
// itself, anything else are arguments of hermes.
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

// OwnArguments returns the arguments with which a container's command runs hermes; ours is false for another program.
func OwnArguments(command []string) (args []string, ours bool) {
	argv, err := resolve(command)
	if err != nil {
		return nil, false
	}
	self, err1 := os.Stat("/proc/self/exe")
	program, err2 := os.Stat(argv[0])
	return argv[2:], err1 == nil && err2 == nil && os.SameFile(self, program)
}

// runCommand runs argv[0] with the arguments argv[1:] as the runtime user, on the
// container's terminal if it has one, and passes these signals on to it. handsOver tells of a process that it is, or is on its
// way to be, the heartbeat of the redirect.
func runCommand(argv []string, u User, own bool, signals <-chan os.Signal, handsOver func(pid int) bool) error {
	Umask(environment.Get) // the command inherits it, and nothing is made here any more that others must reach
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
		// The codes of a shell: 126 for what cannot be executed, 127 for what is not there.
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
				_ = cmd.Process.Signal(s) // it may just have ended
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
	if heartbeat && told.Load() { // M6, also where it found its supervisor on the way down already
		return &commandEnded{0}
	}
	return &commandEnded{exitCode(cmd.ProcessState, heartbeat)}
}

// takeTerminal makes the command the foreground job of the container's terminal, so that a shell has job
// control and Ctrl-C reaches the command alone.
func takeTerminal(cmd *exec.Cmd, u User) {
	// Becoming the foreground job from the background raises SIGTTOU; a process inherits
	// what is ignored, so env(1) sets it right before the command starts.
	signal.Ignore(unix.SIGTTOU, unix.SIGTTIN)
	cmd.SysProcAttr.Foreground, cmd.SysProcAttr.Ctty = true, 0
	cmd.Args = append([]string{"env", "--default-signal=TTOU,TTIN", "--argv0=" + cmd.Args[0], cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/usr/bin/env"
	// The terminal is the command's now: programs such as tmux or sudo open it by name.
	_ = unix.Fchown(0, u.UID, -1)
}

// exitCode is what a shell would say: the code, or 128 and the signal. The heartbeat of the redirect
// ends with 0 when it is told to stop (M6).
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
