package container

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hermes/internal/environment"
)

// Embedded is the init of an image without s6. It runs the boot scripts, the embedded supervisor, and the container's command beside
// it. PID 1 is Foreground.
type Embedded struct {
	// Setup prepares the container. It is called before the first script.
	Setup func() error
	// Supervisor are the arguments with which hermes supervises the gateways. That process writes a newline to its descriptor 3 once
	// it takes commands.
	Supervisor []string
	// Redirected says that the command leaves the gateway to the supervisor (Redirect).
	Redirected bool
}

const (
	// supervisorReady is how long the supervisor may take until it takes commands. Before that it looks at every profile.
	supervisorReady = 60 * time.Second
	// supervisorPause is the shortest time between two starts of a supervisor that ended by itself.
	supervisorPause = time.Second
)

// HasS6 reports whether this image can supervise with s6.
func HasS6() bool {
	_, err := exec.LookPath("s6-svscan")
	return err == nil
}

// Run boots the container and runs its command. It returns the exit code of the container, and the error that stopped the boot, if
// there was one.
func (e Embedded) Run(command []string) (int, error) {
	signals := Signals()
	self, err := os.Executable()
	if err != nil {
		return 1, fmt.Errorf("cannot find this program: %w", err)
	}
	l, u, own, err := prepare(false)
	if err != nil {
		return 1, err
	}
	release, err := l.markEmbedded()
	if err != nil {
		return 1, fmt.Errorf("cannot prepare the run-time directory: %w", err)
	}
	defer release()
	if err := e.Setup(); err != nil {
		return 1, err
	}
	ctx, stopBoot := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGINT)
	defer stopBoot()
	if err := runScripts(ctx, InitScripts, true); err != nil {
		if ctx.Err() != nil {
			return stopCode(e.Redirected), nil
		}
		return 1, err
	}
	Umask(environment.Get)
	s := &embedded{self: self, args: e.Supervisor, user: u, own: own, end: make(chan struct{}), over: make(chan struct{})}
	ready := make(chan error, 1)
	go s.keep(ready)
	select {
	case err = <-ready:
	case <-ctx.Done():
		err = errInterrupted
	}
	code := 1
	if err == nil {
		code, err = s.beside(l, command, stopBoot, signals, e.Redirected)
	}
	s.stop()
	<-s.over
	finish, cancel := context.WithTimeout(context.Background(), finishGrace)
	_ = runScripts(finish, FinishScripts, false) // each script has logged its failure itself
	cancel()
	if errors.Is(err, errInterrupted) {
		return stopCode(e.Redirected), nil
	}
	return code, err
}

// markEmbedded tells the container's processes which supervisor is in charge (InImage, IsCommand, RuntimeDir).
func (l Layout) markEmbedded() (release func(), err error) {
	control := filepath.Join(l.TreeDir(), ".s6-svscan")
	if err := os.MkdirAll(control, 0o755); err != nil {
		return nil, err
	}
	// A tree in the home counts only while its control FIFO has a reader. This FIFO is only held open; nobody writes to it.
	fifo := filepath.Join(control, "control")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		return nil, &os.PathError{Op: "mkfifo", Path: fifo, Err: err}
	}
	r, err := os.OpenFile(fifo, os.O_RDWR|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(l.stage2PID(), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
		r.Close()
		return nil, err
	}
	return func() { r.Close() }, os.WriteFile(l.embedded(), nil, 0o644)
}

// embedded keeps the supervisor of the gateways running.
type embedded struct {
	self string
	args []string
	user User
	own  bool
	end  chan struct{} // closed when the container ends
	over chan struct{} // closed when the supervisor is down and is not started again

	mu       sync.Mutex
	stopping bool
	process  *os.Process
}

// keep runs the supervisor, and runs it again if it ends by itself. If the supervisor was killed, the next one replaces its
// gateways. ready gets the result of the first start.
func (s *embedded) keep(ready chan<- error) {
	defer close(s.over)
	for {
		begun := time.Now()
		err := s.once(ready)
		ready = nil
		if s.stopped() || err == nil {
			return
		}
		fmt.Fprintf(os.Stderr, "hermes: the supervisor of the gateways ended (%v) and is started again\n", err)
		select {
		case <-s.end:
			return
		case <-time.After(max(0, supervisorPause-time.Since(begun))):
		}
	}
}

func (s *embedded) stopped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopping
}

// once runs the supervisor until it ends. It returns nil if the supervisor must not be started again, because its first start
// failed.
func (s *embedded) once(ready chan<- error) error {
	r, w, err := os.Pipe()
	if err != nil {
		return s.failed(ready, err)
	}
	defer r.Close()
	cmd := exec.Command(s.self, s.args...)
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = commandEnv(os.Environ(), s.user), os.Stdout, os.Stderr, []*os.File{w}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if !s.own {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(s.user.UID), Gid: uint32(s.user.GID), Groups: []uint32{uint32(s.user.GID)}}
	}
	s.mu.Lock()
	if s.stopping {
		s.mu.Unlock()
		w.Close()
		return nil
	}
	err = cmd.Start()
	s.process = cmd.Process
	s.mu.Unlock()
	w.Close()
	if err != nil {
		return s.failed(ready, err)
	}
	said := make(chan bool, 1)
	go func() {
		n, _ := r.Read(make([]byte, 1))
		said <- n == 1
	}()
	up := false
	if ready != nil {
		select {
		case up = <-said:
		case <-time.After(supervisorReady):
		}
		if up {
			ready <- nil
		} else {
			_ = cmd.Process.Kill() // the process may have ended already
		}
	}
	err = cmd.Wait()
	if ready != nil && !up {
		return s.failed(ready, errors.New("the supervisor of the gateways does not come up"))
	}
	if err == nil {
		err = errors.New("exit code 0")
	}
	return err
}

// failed sends the error of the first start to ready and returns nil. For a later start it returns the error.
func (s *embedded) failed(ready chan<- error, err error) error {
	if ready == nil {
		return err
	}
	ready <- err
	return nil
}

// stop tells the supervisor to end its gateways and itself.
func (s *embedded) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopping {
		s.stopping = true
		close(s.end)
	}
	if s.process != nil {
		_ = s.process.Signal(unix.SIGTERM) // the process may have ended just now
	}
}

// beside runs the container's command. It passes a SIGTERM to the command and the supervisor at once, because docker stop gives both
// only one time limit.
func (s *embedded) beside(l Layout, command []string, stopBoot func(), signals chan os.Signal, redirected bool) (int, error) {
	argv, err := resolve(command)
	if err != nil {
		return 1, err
	}
	stopBoot()
	passed := make(chan os.Signal, cap(signals))
	done := make(chan struct{})
	passing := make(chan struct{})
	go func() {
		defer close(passing)
		for {
			select {
			case sig := <-signals:
				if sig == unix.SIGTERM {
					s.stop()
				}
				passed <- sig
			case <-done:
				return
			}
		}
	}()
	err = runCommand(argv, s.user, s.own, passed, func(pid int) bool { return redirected || l.isHeartbeat(pid) })
	close(done)
	<-passing
	var ended *commandEnded
	if errors.As(err, &ended) {
		return ended.code, nil
	}
	return 1, err
}
