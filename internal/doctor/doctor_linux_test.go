package doctor

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestAFIFOInPlaceOfAFileBlocksNothing(t *testing.T) {
	p := newPatient(t)
	h := p.profile("coder")
	for _, path := range []string{h.Soul(), h.Config(), h.Env(), h.StateFile(), h.PIDFile(), h.LockFile()} {
		os.Remove(path)
		if path == h.Soul() {
			continue // tested below: without SOUL.md the directory is no profile
		}
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.write(h.Soul(), "x", 0o644)
	if f := found(t, p.examine(), h.StateFile()+" is a FIFO"); !f.Wrong() {
		t.Errorf("got %+v", f)
	}
}

func TestFilesOfOthersAreFoundAndGivenBackByRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	p := newPatient(t)
	h := p.profile("coder")
	if err := os.Lchown(h.Env(), 4242, 4242); err != nil {
		t.Fatal(err)
	}
	if f := found(t, p.examine(), "belongs to 4242:4242"); f.Fixable || f.Severity != Error || f.Profile != "coder" {
		t.Errorf("who is not root: %+v", f)
	}
	p.GID = os.Getegid()
	if f := found(t, Heal(p.Options), "belong to somebody else"); f.Fixed == "" {
		t.Errorf("got %+v", f)
	}
	if w := wrong(p.examine()); len(w) > 0 {
		t.Errorf("still wrong: %+v", w)
	}
}

// TestWhoHoldsALogIsTold starts the real logger and asks the kernel who holds its lock.
func TestWhoHoldsALogIsTold(t *testing.T) {
	program, err := exec.LookPath("s6-log")
	if err != nil {
		t.Skip("no s6-log on this machine")
	}
	p := newPatient(t)
	h := p.profile("coder")
	if err := os.MkdirAll(h.LogDir(), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "1", h.LogDir())
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write([]byte("it runs\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil { // s6-log takes its lock before it reads its input
		t.Fatal(err)
	}
	if f := found(t, p.examine(), filepath.Join(h.LogDir(), "lock")); !strings.Contains(f.What, "no supervisor in charge") || f.Severity != Warning {
		t.Errorf("got %+v", f)
	}
	p.Manager = &manager{}
	for _, f := range p.examine() {
		if f.Check == "log locks" {
			t.Errorf("a supervised logger: %+v", f)
		}
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	p.Manager = nil
	for _, f := range p.examine() {
		if f.Check == "log locks" {
			t.Errorf("nobody holds it: %+v", f)
		}
	}
}

func TestTheVersionOfS6IsRead(t *testing.T) {
	for in, want := range map[string][2]int{"2.13.1.0-1": {2, 13}, "1:2.9": {2, 9}} {
		if major, minor, ok := twoNumbers(packageVersion, []byte(in)); !ok || [2]int{major, minor} != want {
			t.Errorf("%q: got %d.%d, %v", in, major, minor, ok)
		}
	}
	if major, minor, ok := twoNumbers(librarySuffix, []byte("\x7fELF\x00libs6.so.2.13\x00")); !ok || major != 2 || minor != 13 {
		t.Errorf("a library: got %d.%d, %v", major, minor, ok)
	}
	for _, in := range []string{"", "static", "99999999999999999999.1"} {
		if _, _, ok := twoNumbers(packageVersion, []byte(in)); ok {
			t.Errorf("%q is a version", in)
		}
	}
	if _, err := exec.LookPath("s6-svscan"); err != nil {
		t.Skip("no s6 on this machine")
	}
	if found := checkVersion(t.Context()); len(found) > 0 {
		t.Errorf("the real one: %+v", found)
	}
}
