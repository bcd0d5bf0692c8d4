package local

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"hermes/internal/service"
)

// process is one run of a service.
type process struct {
	pid    int
	cmd    *exec.Cmd
	exited chan exit     // gets the end of the run, once
	ready  chan struct{} // closed when the process has said that it is ready
}

// fork starts processes until the channel forks is closed. It does that on one thread that lives as long as the supervisor, because
// the kernel sends a child its parent-death signal when the thread that started it ends (prctl(2)).
func (s *Supervisor) fork() {
	runtime.LockOSThread()
	for f := range s.forks {
		f()
	}
}

// spawn starts a service's process.
func (s *Supervisor) spawn(id service.ID, log *sink) (*process, error) {
	fail := func(err error) (*process, error) { return nil, fmt.Errorf("cannot start '%s': %w", id, err) }
	out, err := log.pipe()
	if err != nil {
		return fail(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return fail(err)
	}
	defer w.Close()
	cmd := exec.Command(s.o.Program)
	fd, err := passReady(cmd, w)
	if err != nil {
		r.Close()
		return fail(err)
	}
	cmd.Args = service.Command(id, fd)
	cmd.Env = append(service.Environment(id, s.o.Env), "HERMES_HOME="+s.o.Home, service.SupervisedChild+"=1")
	if os.Getenv("GOMAXPROCS") == "" {
		cmd.Env = append(cmd.Env, "GOMAXPROCS=1")
	}
	cmd.Dir = s.o.Home
	cmd.Stdout, cmd.Stderr = out, out
	separate(cmd)
	done := make(chan error)
	s.forks <- func() { done <- cmd.Start() }
	if err := <-done; err != nil {
		r.Close()
		return fail(err)
	}
	p := &process{pid: cmd.Process.Pid, cmd: cmd, exited: make(chan exit, 1), ready: make(chan struct{})}
	go func() {
		b := make([]byte, 1)
		if n, _ := r.Read(b); n == 1 && b[0] == '\n' {
			close(p.ready)
		}
	}()
	go func() {
		err := cmd.Wait()
		r.Close() // processes that it left behind may still hold the other end
		var ee *exec.ExitError
		if err != nil && !errors.As(err, &ee) {
			p.exited <- exit{code: -1, err: err}
			return
		}
		p.exited <- exitOf(cmd.ProcessState)
	}()
	return p, nil
}
