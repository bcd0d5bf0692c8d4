package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// times runs a command N times, one after the other, and prints each wall time in ms.
// The command's output is thrown away; its failure is an error.
func times(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	took := make([]float64, 0, n)
	for range n {
		cmd := exec.Command(args[1], args[2:]...)
		begin := time.Now()
		out, err := cmd.CombinedOutput()
		took = append(took, milliseconds(time.Since(begin)))
		if err != nil {
			return fmt.Errorf("%v: %w\n%s", args[1:], err, out)
		}
	}
	return printJSON(took)
}

// minimumLife is how long s6 wants a service to have lived for an immediate restart: it
// starts a service at most once a second.
const minimumLife = 1100 * time.Millisecond

// ready kills a service with SIGKILL, N times, and prints how long it took each time until
// it was ready again, in ms, as s6 sees it. Every life is longer than minimumLife, because
// a gateway that crashes in its first second waits by design.
func ready(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	slot := args[1]
	took := make([]float64, 0, n)
	for range n {
		pid, err := waitReady(slot, 0)
		if err != nil {
			return err
		}
		time.Sleep(minimumLife)
		begin := time.Now()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return err
		}
		if _, err := waitReady(slot, pid); err != nil {
			return err
		}
		took = append(took, milliseconds(time.Since(begin)))
	}
	return printJSON(took)
}

// waitReady waits until the service is ready under another pid than old, and returns it.
func waitReady(slot string, old int) (int, error) {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		out, err := exec.Command("s6-svstat", "-o", "ready,pid", slot).Output()
		if err != nil {
			continue
		}
		fields := strings.Fields(string(out))
		if len(fields) != 2 || fields[0] != "true" {
			continue
		}
		if pid, err := strconv.Atoi(fields[1]); err == nil && pid != old {
			return pid, nil
		}
	}
	return 0, fmt.Errorf("%s is not ready after 30s, uid %d", slot, os.Getuid())
}
