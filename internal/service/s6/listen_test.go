//go:build linux

package s6_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// listen is the s6-ftrig-listen1 of s6 2.15, which Debian does not have: it has no daemon of its own, and its answer has all events
// that it received. Events are bytes that s6-supervise writes into every FIFO in the directory whose name has the right form
// (fifodir.html).
func listen(args []string) error {
	if len(args) < 5 || args[0] != "-t" {
		return fmt.Errorf("unexpected arguments: %q", args)
	}
	ms, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	dir, program := args[2], args[4:]
	pattern, err := regexp.CompilePOSIX(args[3])
	if err != nil {
		return err
	}
	name := fmt.Sprintf("ftrig1:@%024x:%.6s", time.Now().UnixNano(), rand.Text())
	if err := syscall.Mkfifo(filepath.Join(dir, "."+name), 0o622); err != nil {
		return err
	}
	events, err := os.OpenFile(filepath.Join(dir, "."+name), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer events.Close()
	defer os.Remove(filepath.Join(dir, name))
	if err := os.Rename(filepath.Join(dir, "."+name), filepath.Join(dir, name)); err != nil {
		return err
	}
	if err := events.SetReadDeadline(time.Now().Add(time.Duration(ms) * time.Millisecond)); err != nil {
		return err
	}
	cmd := exec.Command(program[0], program[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }()
	var all []byte
	for buf := make([]byte, 64); !pattern.Match(all); {
		n, err := events.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, io.EOF) {
			return errors.New("s6-ftrig-listen1: fatal: unable to get expected event: Operation timed out")
		}
		if err != nil {
			return err
		}
		all = append(all, buf[:n]...)
	}
	_, err = fmt.Printf("%s\n", all)
	return err
}

// TestManagerWithAllEventsAnswered runs the contract with an s6-ftrig-listen1 that answers as s6 2.15 does. The manager finds its
// tools on PATH, which the whole process shares.
func TestManagerWithAllEventsAnswered(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "s6-ftrig-listen1")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.v", "-test.run", "^TestManagerKeepsTheContract$/^("+
		"StartReturns|StartOf|Restart|NeverReady|Permanent|Crash|GivenUp|StartCuts|Stop|Stubborn|Unregister|Cancelled|ParallelStarts)")
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if passed := bytes.Count(out, []byte("--- PASS: TestManagerKeepsTheContract/")); err != nil || passed < 15 {
		t.Errorf("%d tests passed, %v:\n%s", passed, err, out)
	}
}
