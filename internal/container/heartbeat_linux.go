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

// Heartbeat puts `sleep infinity` in the place of this process, so that the container stays up
// whatever its gateways do (M1). Where there is no sleep, as in an image that is empty but for hermes, this process itself waits
// for the end.
func Heartbeat() error {
	if IsCommand() {
		// Tells the second stage that this sleep ends with 0 (M6).
		if err := volume.WritePath(found().heartbeat(), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
			return fmt.Errorf("cannot keep the container up: %w", err)
		}
	}
	// It needs no variable, and every process of the runtime user's can read those that it has.
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
