package service

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestTheKernelsCounterIsFound in the layouts in which containers and hosts show it.
func TestTheKernelsCounterIsFound(t *testing.T) {
	const v2, v1 = "low 0\nhigh 0\nmax 9\noom 3\noom_kill 2\noom_group_kill 0\n", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n"
	for name, tt := range map[string]struct {
		cgroup string
		files  map[string]string
		want   uint64
		ok     bool
	}{
		"v2, a namespace of its own":                   {"0::/\n", map[string]string{"sys/fs/cgroup/memory.events": v2, "proc/vmstat": "oom_kill 7\n"}, 2, true},
		"v2, the host's namespace":                     {"0::/docker/abc\n", map[string]string{"sys/fs/cgroup/docker/abc/memory.events": v2, "sys/fs/cgroup/memory.events": "oom_kill 9\n"}, 2, true},
		"v2, the host's path and the container's view": {"0::/../../abc\n", map[string]string{"sys/fs/cgroup/memory.events": v2}, 2, true},
		"v1 in a container":                            {"9:name=systemd:/\n4:memory:/docker/abc\n0::/\n", map[string]string{"sys/fs/cgroup/memory/memory.oom_control": v1}, 4, true},
		"v1 on a host":                                 {"4:memory:/some/group\n", map[string]string{"sys/fs/cgroup/memory/some/group/memory.oom_control": v1, "sys/fs/cgroup/memory/memory.oom_control": "oom_kill 9\n"}, 4, true},
		"the machine's":                                {"0::/\n", map[string]string{"proc/vmstat": "nr_free_pages 1\noom_kill 7\n"}, 7, true},
		"no number":                                    {"0::/\n", map[string]string{"sys/fs/cgroup/memory.events": "oom_kill many\n"}, 0, false},
		"nothing":                                      {"", nil, 0, false},
		"nonsense":                                     {":::\n\x00\n0:\n", map[string]string{"sys/fs/cgroup/memory.events": "oom_kill\n\n"}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			files := map[string]string{fmt.Sprintf("proc/%d/cgroup", os.Getpid()): tt.cgroup}
			for f, text := range tt.files {
				files[f] = text
			}
			for f, text := range files {
				path := filepath.Join(root, f)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got, ok := oomKills(root); got != tt.want || ok != tt.ok {
				t.Errorf("got %d, %v; want %d, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
	if _, ok := OOMKills(); !ok {
		t.Error("this machine's kernel does not say")
	}
}
