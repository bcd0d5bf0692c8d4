package cli_test

import (
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestUpShowsALinkToItsDashboardOnATerminalAndKeepsItNowhere logs in with the link, and looks for its token in logs, files and processes.
func TestUpShowsALinkToItsDashboardOnATerminalAndKeepsItNowhere(t *testing.T) {
	person, program := terminal(t)
	home := t.TempDir()
	for name, value := range map[string]string{"HERMES_HOME": home, "HERMES_S6_SCANDIR": filepath.Join(home, "no-scandir"), "HERMES_S6_SUPERVISED_CHILD": "",
		"HERMES_DASHBOARD": "1", "XDG_RUNTIME_DIR": home, "TERM": "xterm", "HERMES_DASHBOARD_HOST": "", "API_SERVER_PORT": "", "HERMES_DASHBOARD_PORT": ""} {
		t.Setenv(name, value)
	}
	for _, name := range []string{"API_SERVER_PORT", "HERMES_DASHBOARD_PORT"} {
		port, err := freePort()
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv(name, strconv.Itoa(port))
	}
	up := exec.CommandContext(t.Context(), "hermes", "up", "--plain")
	up.Stdin, up.Stdout, up.Stderr = program, program, program
	up.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	w := watch(t, person)
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = up.Wait() }() // its exit code is checked below
	t.Cleanup(func() {
		_ = up.Process.Kill() // it has ended by now if the test passes
		<-ended
	})
	w.sees("dashboard: http://127.0.0.1:", "prints another")
	link := regexp.MustCompile(`http://127\.0\.0\.1:[0-9]+/\?token=(\S+)`).FindStringSubmatch(w.all())
	if link == nil {
		t.Fatal(w.all())
	}
	for _, want := range []int{http.StatusSeeOther, http.StatusUnauthorized} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link[0], http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s, want %d", resp.Status, want)
		}
	}
	key, err := os.ReadFile(filepath.Join(home, ".dashboard_key"))
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{link[1], strings.TrimSpace(string(key))}
	told := func(path string) {
		data, err := os.ReadFile(path)
		for _, s := range secrets {
			if err == nil && strings.Contains(string(data), s) {
				t.Errorf("%s holds a secret", path)
			}
		}
	}
	err = filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && d.Name() != ".dashboard_key" {
			told(path)
		}
		return nil // a file or a process that has gone meanwhile holds no token
	})
	if err != nil {
		t.Fatal(err)
	}
	processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(processes) == 0 {
		t.Fatal(processes, err)
	}
	for _, p := range processes {
		told(p)
		told(filepath.Join(filepath.Dir(p), "environ"))
	}
	if err := up.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	waitEnd(t, ended, deadline)
	if s := w.all(); strings.Count(s, secrets[0]) != 1 || strings.Contains(s, secrets[1]) {
		t.Errorf("the terminal shows the link more than once, or the key:\n%s", s)
	}
}
