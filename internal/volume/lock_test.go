package volume

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain runs the tests or, if a variable is set, is the other process of a test.
func TestMain(m *testing.M) {
	if path := os.Getenv("HERMES_TEST_HOLD"); path != "" {
		if _, err := lockNow(path); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("held")
		_, _ = os.Stdin.Read(make([]byte, 1)) // until the test ends this process
		os.Exit(0)
	}
	if path := os.Getenv("HERMES_TEST_COUNT"); path != "" {
		if err := count(context.Background(), path, 50); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// holder starts a process that holds a lock.
func holder(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "HERMES_TEST_HOLD="+path)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	return cmd
}

func TestALockExcludesOtherProcessesUntilKill9(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	other := holder(t, path)
	if _, err := lockNow(path); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), path) {
		t.Fatalf("got %v, want ErrLocked and the file", err)
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	lock, err := waitLock(ctx, path)
	if err != nil {
		t.Fatalf("a killed holder still holds: %v", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Error(err)
	}
}

func TestALockExcludesWithinAProcessToo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	lock, err := lockNow(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockNow(path); !errors.Is(err, ErrLocked) {
		t.Errorf("got %v, want ErrLocked", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	again, err := lockNow(path)
	if err != nil {
		t.Fatalf("after Unlock: %v", err)
	}
	again.Unlock()
}

func TestUnlockKeepsTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	lock, err := lockNow(path)
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	lock.Unlock()
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("the file went: %v", err)
	}
}

func TestWaitLockEndsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	lock, err := lockNow(path)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := waitLock(ctx, path); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, ErrLocked) {
		t.Errorf("got %v", err)
	}
}

// count adds 1 to a number in a file, n times, each time under the lock.
func count(ctx context.Context, path string, n int) error {
	for range n {
		lock, err := waitLock(ctx, path+".lock")
		if err != nil {
			return err
		}
		data, err := readFile(path, 100)
		if err != nil {
			return err
		}
		have, err := strconv.Atoi(string(data))
		if err != nil {
			return err
		}
		if err := writeFile(path, []byte(strconv.Itoa(have+1)), 0o644); err != nil {
			return err
		}
		lock.Unlock()
	}
	return nil
}

func TestWritersInSeveralProcessesLoseNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "n")
	put(t, path, "0")
	results := make(chan error)
	for range 3 {
		go func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), "HERMES_TEST_COUNT="+path)
			out, err := cmd.CombinedOutput()
			if err != nil {
				err = fmt.Errorf("%w: %s", err, out)
			}
			results <- err
		}()
		go func() { results <- count(t.Context(), path, 50) }()
	}
	for range 6 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if data, _ := os.ReadFile(path); string(data) != "300" {
		t.Errorf("300 additions make %s", data)
	}
}
