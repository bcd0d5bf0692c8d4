package container

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"

	"golang.org/x/sys/unix"
)

// Init is the first stage of the image's init: it writes the root tree, starts the second
// stage with the container's command, and becomes s6-svscan. It returns only if it fails.
func Init(_ context.Context, command []string) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("the image's init starts as root and leaves it for uid %d by itself: "+
			"remove `--user`, and set HERMES_UID and HERMES_GID to choose who gateways run as", defaultID)
	}
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
	u, err := RuntimeUser(os.Getenv)
	if err != nil {
		return err
	}
	// A container that is started again finds what the last run left.
	if err := os.RemoveAll(RunS6); err != nil {
		return fmt.Errorf("cannot clear %s: %w", RunS6, err)
	}
	if err := os.MkdirAll(RunS6, 0o755); err != nil {
		return err
	}
	if err := WriteEnvironment(EnvDir, os.Environ(), u.GID); err != nil {
		return err
	}
	if err := writeRootTree(self); err != nil {
		return err
	}
	if err := unix.Mkfifo(userTreeReady, 0o600); err != nil {
		return fmt.Errorf("cannot prepare the supervision tree: %w", err)
	}
	ready, err := startStage2(self, command)
	if err != nil {
		return err
	}
	// s6-svscan -d: it writes a line to this descriptor when it takes commands.
	argv := []string{"s6-svscan", "-d", strconv.Itoa(ready), "-C", "16", TreeDir}
	return fmt.Errorf("cannot become s6-svscan: %w", unix.Exec(svscan, argv, []string{"PATH=" + systemPath}))
}

// startStage2 starts the second stage and returns the descriptor on which it waits for s6-svscan.
func startStage2(self string, command []string) (int, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return 0, fmt.Errorf("cannot make a pipe: %w", err)
	}
	cmd := exec.Command(self, append([]string{"init", "--stage2", "--"}, command...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{r}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("cannot start the second stage: %w", err)
	}
	if err := os.WriteFile(stage2PIDFile, []byte(strconv.Itoa(cmd.Process.Pid)+"\n"), 0o644); err != nil {
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
