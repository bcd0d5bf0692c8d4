package container

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"

	"golang.org/x/sys/unix"

	"hermes/internal/volume"
)

// IsCommand reports whether this process is the container's command.
func IsCommand() bool {
	ppid := os.Getppid()
	return ppid > 0 && ppid == readPID(found().stage2PID())
}

// Heartbeat replaces this process with `sleep infinity`, so that the container stays up whatever its gateways do (M1). If there is
// no sleep, as in an image that contains only hermes, this process itself waits for SIGTERM or SIGINT.
func Heartbeat() error {
	if IsCommand() {
		// Tell the second stage that this sleep ends with 0 (M6).
		if err := volume.WritePath(found().heartbeat(), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
			return fmt.Errorf("cannot keep the container up: %w", err)
		}
	}
	// sleep gets no variables. It needs none, and every process of the runtime user could read them.
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGINT)
		defer stop()
		<-ctx.Done()
		return nil
	}
	return fmt.Errorf("cannot keep the container up: %w", unix.Exec(sleep, []string{"sleep", "infinity"}, []string{"PATH=" + os.Getenv("PATH")}))
}

func (l Layout) isHeartbeat(pid int) bool { return pid == readPID(l.heartbeat()) }
