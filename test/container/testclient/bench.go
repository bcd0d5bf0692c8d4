//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// output runs a command and returns its output on both streams.
func output(name string, args ...string) (string, error) {
	out, err := exec.CommandContext(context.Background(), name, args...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s %q: %w\n%s", name, args, err, out)
	}
	return string(out), err
}

// times runs a command N times, one after the other, and prints how long each run took, in ms. It drops the command's output. If the
// command fails, that is an error.
func times(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	took := make([]float64, 0, n)
	for range n {
		begin := time.Now()
		_, err := output(args[1], args[2:]...)
		took = append(took, milliseconds(time.Since(begin)))
		if err != nil {
			return err
		}
	}
	return printJSON(took)
}

// minimumLife is how long a service must have lived before s6 restarts it at once, because s6 starts a service at most once a
// second.
const minimumLife = 1100 * time.Millisecond

// ready kills a service with SIGKILL N times and prints how long it took each time until s6 says that it is ready again, in ms. Each
// kill is the first failure of a healthy service: the service has lived for minimumLife, and its earlier deaths are forgotten. A
// service that fails again and again waits on purpose. ready must run as the service's user.
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
		if _, err := output("s6-svdt-clear", slot); err != nil {
			return err
		}
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

// waitReady waits until the service is ready with another pid than old, and returns the new pid.
func waitReady(slot string, old int) (int, error) {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		out, err := output("s6-svstat", "-o", "ready,pid", slot)
		if err != nil {
			continue
		}
		fields := strings.Fields(out)
		if len(fields) != 2 || fields[0] != "true" {
			continue
		}
		if pid, err := strconv.Atoi(fields[1]); err == nil && pid != old {
			return pid, nil
		}
	}
	return 0, fmt.Errorf("%s is not ready after 30s, uid %d", slot, os.Getuid())
}
