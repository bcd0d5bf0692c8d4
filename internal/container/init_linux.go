package container

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"hermes/internal/environment"
)

// Init is the first stage of the image's init: it chooses where, writes the outer tree, starts the second
// stage with the container's command, and becomes s6-svscan. It returns only if it fails.
func Init(_ context.Context, command []string) error {
	if os.Getpid() != 1 {
		// Not PID 1 (docker run --init): orphans are to come to us all the same. The setting survives execve(2).
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
	ready, err := l.startStage2(self, command)
	if err != nil {
		return err
	}
	// s6-svscan -d: it writes a line to this descriptor when it takes commands.
	argv := []string{"s6-svscan", "-d", strconv.Itoa(ready), "-C", "16", l.TreeDir()}
	return fmt.Errorf("cannot become s6-svscan: %w", unix.Exec(svscan, argv, []string{"PATH=" + systemPath}))
}

// prepare decides who everything runs as, and makes the run-time directories with the container's environment. scripts
// says that scripts are going to be executed there.
func prepare(scripts bool) (l Layout, u User, own bool, err error) {
	if u, own, err = Current(environment.Get); err != nil {
		return l, u, own, err
	}
	if _, _, err = umask(environment.Get); err != nil {
		return l, u, own, err
	}
	if own && os.Geteuid() == 0 && u.UID != 0 {
		// Without the capabilities for two levels the root level is left out, and root with it.
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
	// A duplicate has no close-on-exec flag and no finalizer.
	fd, err := unix.Dup(int(w.Fd()))
	if err != nil {
		return 0, errors.Join(errors.New("cannot pass the pipe on"), err)
	}
	return fd, nil
}
