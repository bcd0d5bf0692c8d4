//go:build unix

package logs

import (
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestAFIFODoesNotBlock(t *testing.T) {
	h := newHome(t)
	h.write("coder", "x", "")
	for _, name := range []string{currentName, archive(minute(1))} {
		if err := syscall.Mkfifo(filepath.Join(h.dir("coder"), name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := Read(h.one("coder"), Query{Last: 1}, nil, nil); err == nil || !strings.Contains(err.Error(), "is a FIFO") {
		t.Errorf("got %v", err)
	}
}

// TestFollowTheRealLogger does the same with s6-log itself, with so small a limit for a file that it rotates often.
func TestFollowTheRealLogger(t *testing.T) {
	program, err := exec.LookPath("s6-log")
	if err != nil {
		t.Skip("no s6-log on this machine")
	}
	h := newHome(t)
	h.write("coder", "x", "")
	f := h.follow(h.one("coder"), Query{Last: -1})
	cmd := exec.Command(program, "n100", "s16384", "pUTC", "T", h.dir("coder"))
	cmd.Env = []string{"TZ=UTC0"}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	want := numbers(0, 20000)
	for _, line := range want {
		if _, err := in.Write([]byte(line + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	f.until("all lines", func() bool { return len(f.got) >= len(want) })
	f.wants(want...)
	if got := h.read(h.one("coder"), Query{Last: 500}); len(got) != 500 || got[499] != want[len(want)-1] {
		t.Errorf("the last 500: got %d", len(got))
	}
	if got := h.read(h.one("coder"), Query{Last: -1, Since: time.Now().Add(-time.Hour)}); len(got) < 5000 {
		t.Errorf("the last hour: got %d lines", len(got))
	}
}
