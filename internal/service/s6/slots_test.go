//go:build unix

package s6

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hermes/internal/profile"
	"hermes/internal/service"
	"hermes/internal/service/restart"
)

func id(t testing.TB, name string) service.ID {
	t.Helper()
	n, err := profile.ParseName(name)
	if err != nil {
		t.Fatal(err)
	}
	return service.Gateway(n)
}

// slotFiles returns the files of a slot with their modes.
func slotFiles(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		files = append(files, fmt.Sprintf("%v %s", info.Mode(), rel))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var wholeSlot = []string{
	"drwxr-xr-x data", "-rw-r--r-- down", "-rwxr-xr-x finish", "drwxr-xr-x log", "-rwxr-xr-x log/run",
	"-rw-r--r-- max-death-tally", "-rw-r--r-- notification-fd", "-rwxr-xr-x run", "-rw-r--r-- timeout-finish",
	"-rw-r--r-- timeout-kill",
}

func TestWriteMakesAWholeSlotOnce(t *testing.T) {
	s, coder := Slots{Dir: t.TempDir()}, id(t, "coder")
	created, err := s.Write(service.Spec{ID: coder, KillAfter: 65 * time.Second})
	if err != nil || !created {
		t.Fatalf("created %v, %v", created, err)
	}
	if got := slotFiles(t, s.path(coder)); !slices.Equal(got, wholeSlot) {
		t.Errorf("slot is %q\nwant %q", got, wholeSlot)
	}
	if got := s.killAfter(coder); got != 65*time.Second {
		t.Errorf("killed after %s", got)
	}
	// A start removes the down file. Writing the slot again must not create it anew.
	if err := os.Remove(filepath.Join(s.path(coder), "down")); err != nil {
		t.Fatal(err)
	}
	created, err = s.Write(service.Spec{ID: coder})
	if err != nil || created {
		t.Fatalf("created %v, %v", created, err)
	}
	if _, err := os.Lstat(filepath.Join(s.path(coder), "down")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("down: %v", err)
	}
	if got := s.killAfter(coder); got != restart.DefaultKillAfter {
		t.Errorf("killed after %s", got)
	}
	if names, _ := filepath.Glob(s.Dir + "/.gateway*"); len(names) != 0 {
		t.Errorf("left over: %q", names)
	}
}

func TestFailedWriteLeavesNothing(t *testing.T) {
	s, coder := Slots{Dir: t.TempDir()}, id(t, "coder")
	if err := os.WriteFile(s.path(coder), nil, 0o644); err != nil { // a file is in the way
		t.Fatal(err)
	}
	if created, err := s.Write(service.Spec{ID: coder}); err == nil || created {
		t.Errorf("created %v, %v", created, err)
	}
	if names, _ := filepath.Glob(s.Dir + "/.*"); len(names) != 0 {
		t.Errorf("left over: %q", names)
	}
}

func TestNobodySeesHalfASlot(t *testing.T) {
	s := Slots{Dir: t.TempDir()}
	const n = 100
	written := make(chan error, 1)
	go func() {
		for i := range n {
			name, err := profile.ParseName(fmt.Sprintf("p%d", i))
			if err == nil {
				_, err = s.Write(service.Spec{ID: service.Gateway(name)})
			}
			if err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	for done := false; !done; {
		select {
		case err := <-written:
			if err != nil {
				t.Fatal(err)
			}
			done = true
		default:
		}
		ids, err := s.List()
		if err != nil {
			t.Fatal(err)
		}
		if done && len(ids) != n {
			t.Errorf("%d slots, want %d", len(ids), n)
		}
		for _, id := range ids[max(0, len(ids)-3):] {
			if got := slotFiles(t, s.path(id)); !slices.Equal(got, wholeSlot) {
				t.Fatalf("%s is %q", id, got)
			}
		}
	}
}

func TestListShowsOnlyOurs(t *testing.T) {
	s := Slots{Dir: t.TempDir()}
	for _, name := range []string{"gateway-b", "gateway-a", "gateway-default", "dashboard", ".gateway-c.1", "gateway-", "gateway-UP", "sshd", ".s6-svscan"} {
		if err := os.Mkdir(filepath.Join(s.Dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(s.Dir, "gateway-file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("gateway-a", filepath.Join(s.Dir, "gateway-link")); err != nil {
		t.Fatal(err)
	}
	ids, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(ids), "[dashboard gateway-a gateway-b gateway-default]"; got != want {
		t.Errorf("listed %s, want %s", got, want)
	}
	if _, err := (Slots{Dir: filepath.Join(s.Dir, "absent")}).List(); err == nil || !strings.HasPrefix(err.Error(), "cannot list the services: ") {
		t.Errorf("error is %v", err)
	}
}

func TestSlotsRunTheRealCommandLine(t *testing.T) {
	for want, id := range map[string]service.ID{
		"hermes gateway run --replace --ready-fd 3":          id(t, "default"),
		"hermes -p coder gateway run --replace --ready-fd 3": id(t, "coder"),
		"hermes dashboard --ready-fd 3":                      service.Dashboard(),
	} {
		if got := strings.Join(service.Command(id, service.ReadyFD), " "); got != want {
			t.Errorf("%s runs %q, want %q", id, got, want)
		}
		script := runScript(id)
		if !strings.HasSuffix(script, "\nexec "+map[bool]string{true: `"$@" `}[HasOwn(id)]+want+"\n") || !strings.Contains(script, "export HERMES_S6_SUPERVISED_CHILD=1") {
			t.Errorf("run of %s:\n%s", id, script)
		}
	}
}

func TestScriptsAreCleanToShellcheck(t *testing.T) {
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Fatal("shellcheck is not installed: run script/need shellcheck, or apt-get install shellcheck")
	}
	s := Slots{Dir: t.TempDir()}
	var scripts []string
	for _, id := range []service.ID{id(t, "default"), id(t, "coder-1_x"), service.Dashboard()} {
		if _, err := s.Write(service.Spec{ID: id}); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"run", "finish", "log/run"} {
			scripts = append(scripts, filepath.Join(s.path(id), name))
		}
	}
	if out, err := exec.Command("shellcheck", scripts...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// BenchmarkWrite1000Slots has a budget of 1 s for 1000 slots on tmpfs (performance.md).
func BenchmarkWrite1000Slots(b *testing.B) {
	var specs []service.Spec
	for i := range 1000 {
		specs = append(specs, service.Spec{ID: id(b, fmt.Sprintf("p%d", i))})
	}
	root := "/dev/shm" // a tmpfs, as /run is
	if _, err := os.Stat(root); err != nil {
		root = ""
	}
	for b.Loop() {
		b.StopTimer()
		dir, err := os.MkdirTemp(root, "hermes-slots")
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		s := Slots{Dir: dir}
		for _, spec := range specs {
			if _, err := s.Write(spec); err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		os.RemoveAll(dir)
		b.StartTimer()
	}
}
