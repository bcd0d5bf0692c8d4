package container

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"hermes/internal/exitcode"
	"hermes/internal/process"
	"hermes/internal/volume"
)

const (
	// commandGrace is how long the container's command may take to end. docker stop kills everything earlier unless it is given more
	// time (-t).
	commandGrace = 10 * time.Minute
	// stragglerGrace is how long every other process may take to end after its SIGTERM.
	stragglerGrace = 5 * time.Second
	// finishGrace is how long all scripts in FinishScripts together may take.
	finishGrace = 10 * time.Second
)

// Stage3 ends the container. It runs as PID 1 when the supervision trees are down. It sends SIGTERM to every process that is left,
// and SIGKILL to those that stay. It returns the container's exit code. It does not wait for a fixed time: it returns as soon as all
// processes have ended.
func Stage3(dir string) int {
	l := Layout{dir}
	child := make(chan os.Signal, 1)
	signal.Notify(child, unix.SIGCHLD)
	signal.Ignore(unix.SIGTERM, unix.SIGINT, unix.SIGHUP)

	stage2 := readPID(l.stage2PID())
	command := process.Children(stage2)
	keep := func(pid int) bool { return pid == stage2 || slices.Contains(command, pid) }
	signalAll(unix.SIGTERM, keep)
	await(child, commandGrace, func() bool { return !process.Lives(stage2) })
	ctx, cancel := context.WithTimeout(context.Background(), finishGrace)
	_ = runScripts(ctx, FinishScripts, false) // each script has logged its failure itself
	cancel()
	signalAll(unix.SIGTERM, func(int) bool { return false })
	if !await(child, stragglerGrace, func() bool { return len(others()) == 0 }) {
		signalAll(unix.SIGKILL, func(int) bool { return false })
		await(child, time.Second, func() bool { return len(others()) == 0 })
	}
	return l.recordedCode()
}

// recordedCode returns the exit code that the second stage recorded, or otherwise the first stage; 143 if there is none.
func (l Layout) recordedCode() int {
	data, err := volume.ReadPath(l.exitCode(), 16)
	if err != nil {
		return exitcode.Signal(int(unix.SIGTERM))
	}
	code, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return 1
	}
	return code
}

// await reaps children until done returns true or the time is over. Processes that docker exec started are not children of PID 1 and
// send no SIGCHLD, so it also looks at every tick.
func await(child <-chan os.Signal, limit time.Duration, done func() bool) bool {
	deadline := time.After(limit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		for {
			pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
			if err == unix.EINTR {
				continue
			}
			if err != nil || pid <= 0 {
				break
			}
		}
		if done() {
			return true
		}
		select {
		case <-child:
		case <-tick.C:
		case <-deadline:
			return false
		}
	}
}

// others lists the processes that this init has to end: everything in the container if it is PID 1, and otherwise its descendants.
// Orphans count as descendants, because it is a subreaper. The difference matters if the host's processes are visible (docker run
// --pid host).
func others() []int {
	all := visible()
	self := os.Getpid()
	if self == 1 {
		return all
	}
	parents := map[int]int{}
	for _, pid := range all {
		if s, ok := process.Read(pid); ok {
			parents[pid] = s.Parent
		}
	}
	var ours []int
	for _, pid := range all {
		p := parents[pid]
		for p > 1 && p != self {
			p = parents[p]
		}
		if p == self {
			ours = append(ours, pid)
		}
	}
	return ours
}

// visible lists the visible processes except this one and PID 1. If PID 1 is not this process, it is another init above it.
func visible() []int {
	return slices.DeleteFunc(process.All(), func(pid int) bool { return pid == os.Getpid() || pid == 1 })
}

func signalAll(sig unix.Signal, keep func(pid int) bool) {
	for _, pid := range others() {
		if !keep(pid) {
			_ = unix.Kill(pid, sig) // the process may have ended just now
		}
	}
}

// readPID reads a pid from a file, or returns 0 if there is none.
func readPID(path string) int {
	data, err := volume.ReadPath(path, 16)
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(data)))
	return pid
}
