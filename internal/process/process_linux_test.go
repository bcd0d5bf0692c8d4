package process

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestALineOfStatIsRead(t *testing.T) {
	rest := " 7 8 9 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456 1000 200"
	for line, want := range map[string]Stat{
		"12 (sh) S" + rest:                {"sh", 'S', 7, 9, 123456},
		"12 (a b) c) R" + rest + "\n":     {"a b) c", 'R', 7, 9, 123456},
		"12 ((sd-pam)) Z" + rest:          {"(sd-pam)", 'Z', 7, 9, 123456},
		"12 (x\n) 1 S 2) D" + rest:        {"x\n) 1 S 2", 'D', 7, 9, 123456},
		"12 () S" + rest + " more fields": {"", 'S', 7, 9, 123456},
	} {
		if got, ok := parse([]byte(line)); !ok || got != want {
			t.Errorf("%q: %+v, %v", line, got, ok)
		}
	}
	for _, line := range []string{"", "12", "12 (sh", "12 sh) S", ")(", "12 (sh) S 7 8 9", "12 (sh) S x" + rest, "12 (sh) S" + strings.Replace(rest, "123456", "-1", 1)} {
		if got, ok := parse([]byte(line)); ok {
			t.Errorf("%q: %+v", line, got)
		}
	}
}

func TestAProcessLivesUntilItEnds(t *testing.T) {
	child := exec.CommandContext(context.Background(), "cat")
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	pid := child.Process.Pid
	s, ok := Read(pid)
	self, _ := Read(os.Getpid())
	if !ok || s.Parent != os.Getpid() || s.Session != self.Session || s.Start < self.Start {
		t.Errorf("%+v of %+v", s, self)
	}
	if !Lives(pid) || !slices.Contains(Children(os.Getpid()), pid) || !slices.Contains(All(), pid) {
		t.Error("it does not live")
	}
	in.Close()
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	if Lives(pid) || slices.Contains(All(), pid) {
		t.Error("it lives on")
	}
	if Lives(0) || Lives(-1) {
		t.Error("there is a process without a pid")
	}
	if PSS(os.Getpid()) == 0 || PSS(pid) != 0 {
		t.Errorf("memory: %d and %d", PSS(os.Getpid()), PSS(pid))
	}
	if private, shared := Resident(os.Getpid()); private == 0 || shared == 0 || private > 10*PSS(os.Getpid()) || PSS(os.Getpid()) > 2*(private+shared) {
		t.Errorf("resident: %d and %d, PSS %d", private, shared, PSS(os.Getpid()))
	}
	if private, shared := Resident(pid); private != 0 || shared != 0 {
		t.Errorf("a process that is gone: %d and %d", private, shared)
	}
}
