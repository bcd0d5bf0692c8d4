package volume

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestWorksBehindAFilterThatRefusesOpenat2: an old seccomp profile, which does not know the call, answers EPERM.
func TestWorksBehindAFilterThatRefusesOpenat2(t *testing.T) {
	if os.Getenv("HERMES_TEST_FILTER") == "" {
		self := exec.CommandContext(context.Background(), os.Args[0], "-test.run=^TestWorksBehindAFilterThatRefusesOpenat2$", "-test.v")
		self.Env = append(os.Environ(), "HERMES_TEST_FILTER=1")
		if out, err := self.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	dir := t.TempDir()
	refuse(t, unix.SYS_OPENAT2)
	d := At(dir)
	if err := d.WriteFile("f", []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := d.ReadFile("f", 100); err != nil || string(data) != "content" {
		t.Errorf("%q, %v", data, err)
	}
	if !old.Load() {
		t.Error("openat2 is still tried")
	}
	old.Store(false)
	if err := d.RemoveAll("f"); err != nil || !old.Load() {
		t.Errorf("%v", err)
	}
}

// TestAnotherRefusalIsAnError, on kernels where openat2 works.
func TestAnotherRefusalIsAnError(t *testing.T) {
	if _, err := unix.Openat2(unix.AT_FDCWD, "/", &unix.OpenHow{Flags: unix.O_PATH}); err != nil {
		t.Skip("there is no openat2 here:", err)
	}
	if missing(unix.EPERM) || missing(unix.EACCES) || missing(unix.EMFILE) || missing(nil) || !missing(unix.ENOSYS) {
		t.Error("a file that may not be opened was taken for a call that is not there")
	}
}

// refuse makes a system call return EPERM in all threads, from now on (seccomp(2)).
func refuse(t *testing.T, call uint32) {
	t.Helper()
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the system call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	runtime.LockOSThread() // both calls must be made by this thread; the second one applies to all threads
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		t.Skip("no filters here:", err)
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&filter))); errno != 0 {
		t.Skip("no filters here:", errno)
	}
}
