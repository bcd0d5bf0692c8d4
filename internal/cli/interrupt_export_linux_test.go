package cli_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// TestAnInterruptedExportLeavesNothing interrupts an export. A half-written archive, which may hold secrets, must not stay behind.
func TestAnInterruptedExportLeavesNothing(t *testing.T) {
	for sig, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143, syscall.SIGHUP: 129} {
		t.Run(sig.String(), func(t *testing.T) {
			home := newHome(t)
			for i := range 20 { // sparse files: they take long to read and need no space
				if err := os.WriteFile(filepath.Join(home, "big"+strconv.Itoa(i)), nil, 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Truncate(filepath.Join(home, "big"+strconv.Itoa(i)), 40<<20); err != nil {
					t.Fatal(err)
				}
			}
			dir := t.TempDir()
			cmd := exec.CommandContext(context.Background(), "hermes", "profile", "export", "coder", "--with-secrets", "-o", filepath.Join(dir, "a.tar.zst"))
			var said bytes.Buffer
			cmd.Stdout, cmd.Stderr = &said, &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for begun := time.Now(); ; time.Sleep(time.Millisecond) {
				if found, _ := filepath.Glob(filepath.Join(dir, ".hermes-export-*.tmp")); len(found) > 0 {
					break
				}
				if time.Since(begun) > deadline {
					t.Fatal("no archive is begun: ", said.String())
				}
			}
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // its exit code is checked below
			if got := cmd.ProcessState.ExitCode(); got != want {
				t.Errorf("exit code %d, want %d: %s", got, want, said.String())
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("%v is left", left)
			}
			if stages, _ := filepath.Glob(filepath.Join(filepath.Dir(home), ".*")); len(stages) > 0 {
				t.Errorf("%v is left", stages)
			}
		})
	}
}
