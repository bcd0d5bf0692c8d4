//go:build linux

package gateway

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"hermes/internal/process"
	"hermes/internal/profile"
)

// saved counts the messages of a session in the database, with a connection of its own.
func saved(t *testing.T, w *world, session string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+w.home.Database()+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("SELECT count(*) FROM messages WHERE session = ?", session).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSecondGatewayNamesTheHolder(t *testing.T) {
	w := newWorld(t, "")
	p := w.start("gateway")
	w.spawn("gateway").wantCode(1, fmt.Sprintf("pid %d", p.Process.Pid), "--replace")
	if s := w.state(); s.PID != p.Process.Pid || s.Gateway != profile.StateRunning {
		t.Errorf("the second touched the first's state: %+v", s)
	}
	if code, _ := w.get("/ready"); code != 200 {
		t.Error("the first no longer serves")
	}
}

func TestReplaceTakesOver(t *testing.T) {
	w := newWorld(t, "")
	first := w.start("gateway")
	second := w.start("gateway", "GATEWAY_TEST_REPLACE=1")
	first.wantCode(0, "planned")
	if s := w.state(); s.PID != second.Process.Pid || s.Gateway != profile.StateRunning {
		t.Errorf("%+v", s)
	}
	if _, err := os.Stat(w.home.TakeoverFile()); err == nil {
		t.Error("the marker is left behind")
	}
	if code, _ := w.get("/ready"); code != 200 {
		t.Error("nobody serves")
	}
}

func TestReplaceWithNobodyThereJustStarts(t *testing.T) {
	w := newWorld(t, "")
	w.start("gateway", "GATEWAY_TEST_REPLACE=1")
}

func TestReplaceKillsAHolderThatIgnoresSigterm(t *testing.T) {
	w := newWorld(t, "")
	p := w.start("stubborn")
	g := &gateway{o: Options{Home: w.home, Replace: true}, log: slog.New(slog.NewTextHandler(io.Discard, nil)), term: 50 * time.Millisecond}
	lock, err := g.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lock.release()
	p.code()
}

func TestForeignHolderIsNotGuessed(t *testing.T) {
	w := newWorld(t, "")
	w.start("nameless")
	bystander := exec.Command("sleep", "60")
	if err := bystander.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bystander.Process.Kill(); bystander.Wait() })
	// gateway.pid names a pid that now belongs to another process, with another start time.
	data, _ := json.Marshal(pidRecord{identity: identity{bystander.Process.Pid, 1}})
	w.home.Files().WriteFile(profile.PIDName, data, 0o644)
	for _, env := range []string{"X=1", "GATEWAY_TEST_REPLACE=1"} {
		w.spawn("gateway", env).wantCode(1, "cannot be seen from here", "another container")
	}
	if _, ok := process.Started(bystander.Process.Pid); !ok {
		t.Error("a bystander was killed")
	}
}

func TestStalePidFileIsNoHolder(t *testing.T) {
	for name, text := range map[string]string{
		"live pid": fmt.Sprintf(`{"pid":%d,"start_time":0}`, os.Getpid()), "garbage": "\x00{", "empty": "",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "")
			w.write("gateway.pid", text)
			// A takeover marker from an earlier gateway must not make the next stop a planned one.
			w.write(".gateway_takeover.json", text)
			p := w.start("gateway")
			p.signal(os.Interrupt)
			p.wantCode(130)
		})
	}
}

func TestZombieIsNotAlive(t *testing.T) {
	c := exec.Command("sleep", "60")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	start, ok := process.Started(c.Process.Pid)
	id := identity{c.Process.Pid, start}
	if !ok || !id.alive() {
		t.Fatal("a live process is not seen")
	}
	if (identity{id.PID, start + 1}).alive() {
		t.Error("a reused pid passes for its predecessor")
	}
	c.Process.Kill()
	eventually(t, "zombie", func() bool {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id.PID))
		return err == nil && strings.Contains(string(data), ") Z ")
	})
	if id.alive() {
		t.Error("a zombie passes for a holder")
	}
	c.Wait()
	if id.alive() || self().PID != os.Getpid() || !self().alive() {
		t.Error("alive is wrong")
	}
}
