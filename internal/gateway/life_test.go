//go:build linux

package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"hermes/internal/profile"
	"hermes/internal/profile/env"
)

func TestKilledGatewayComesBackAtOnceAndRemembers(t *testing.T) {
	w := newWorld(t, "")
	p := w.start("gateway")
	if s := w.state(); s.Gateway != profile.StateRunning || s.PID != p.Process.Pid || s.Kind != profile.KindGateway || s.Platforms["api_server"] != "running" || s.HermesHome != w.home.Dir {
		t.Errorf("%+v", s)
	}
	if code, body := w.get("/ready"); code != 200 {
		t.Error(code, body)
	}
	code, body := w.chat("s", canaryWords, false)
	if code != 200 || !strings.Contains(body, canaryWords) || !strings.Contains(body, "No model is configured") || !strings.Contains(body, w.home.Config()) {
		t.Fatal(code, body)
	}
	p.signal(syscall.SIGKILL)
	p.code()
	if s := w.state(); s.Gateway != profile.StateRunning {
		t.Errorf("%+v", s)
	}
	p = w.start("gateway")
	code, body = w.chat("s", canaryWords, true)
	if code != 200 || strings.Contains(body, "No model is configured") || !strings.HasSuffix(body, "data: [DONE]\n\n") {
		t.Fatal(code, body)
	}
	p.signal(syscall.SIGTERM)
	p.wantCode(128 + 15)
}

func TestUnplannedSignalLeavesRunningAndPlannedStopped(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*profile.State)
		signal syscall.Signal
		code   int
		state  profile.GatewayState
	}{
		{"unplanned", nil, syscall.SIGTERM, 143, profile.StateRunning},
		{"interrupt", nil, syscall.SIGINT, 130, profile.StateRunning},
		{"closed terminal", nil, syscall.SIGHUP, 129, profile.StateRunning},
		{"operator's stop", func(s *profile.State) { s.Desired = profile.DesiredStopped }, syscall.SIGTERM, 0, profile.StateStopped},
		{"operator wants it running", func(s *profile.State) { s.Desired = profile.DesiredRunning }, syscall.SIGTERM, 143, profile.StateRunning},
		{"restart", func(s *profile.State) { s.RestartRequested = true }, syscall.SIGTERM, 75, profile.StateRunning},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "")
			// A restart that was requested from an earlier process must not restart this one.
			profile.UpdateState(t.Context(), w.home, func(s *profile.State) error { s.RestartRequested = true; return nil })
			p := w.start("gateway")
			if w.state().RestartRequested {
				t.Error("restart_requested survived the start")
			}
			var desired profile.DesiredState
			if c.change != nil {
				profile.UpdateState(t.Context(), w.home, func(s *profile.State) error { c.change(s); desired = s.Desired; return nil })
			}
			start := time.Now()
			p.signal(c.signal)
			p.wantCode(c.code, "stopped")
			t.Logf("idle drain: %s", time.Since(start))
			if s := w.state(); s.Gateway != c.state || s.PID != 0 || s.Desired != desired {
				t.Errorf("%+v", s)
			}
			if _, err := os.Stat(w.home.PIDFile()); err == nil {
				t.Error("gateway.pid is left behind")
			}
		})
	}
}

// slowModel is an OpenAI server that sends one word, waits for more, and ends the answer.
func slowModel(t *testing.T) (config string, more chan struct{}) {
	t.Helper()
	more = make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"first \"}}]}\n\n")
		w.(http.Flusher).Flush()
		select {
		case <-more:
			fmt.Fprint(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"last\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(srv.Close)
	return fmt.Sprintf("model:\n  provider: openai\n  name: m1\n  base_url: %s/v1\n", srv.URL), more
}

type answer struct {
	code int
	body string
}

// background asks a question in the background and returns when the question is saved, which means that its turn runs.
func (w *world) background(p *proc, session string) chan answer {
	w.t.Helper()
	ch := make(chan answer, 1)
	go func() {
		code, body := w.chat(session, canaryWords, true)
		ch <- answer{code, body}
	}()
	return ch
}

func TestDrainFinishesRunningTurnsAndTakesNoNewOnes(t *testing.T) {
	config, more := slowModel(t)
	w := newWorld(t, config)
	p := w.start("gateway")
	turn := w.background(p, "s")
	drained := drainWithTurn(t, w, p)
	if code, body := w.get("/ready"); code != 503 || !strings.Contains(body, "draining") {
		t.Error(code, body)
	}
	if code, body := w.chat("", "new", false); code != 503 || !strings.Contains(body, "shutting down") {
		t.Error(code, body)
	}
	if code, _ := w.get("/health"); code != 200 {
		t.Error("health", code)
	}
	if drained.ActiveAgents != 1 {
		t.Errorf("%+v", drained)
	}
	close(more)
	if a := <-turn; a.code != 200 || !strings.Contains(a.body, "last") || !strings.HasSuffix(a.body, "[DONE]\n\n") {
		t.Error(a)
	}
	p.wantCode(143, "turn done")
	if s := w.state(); s.Gateway != profile.StateRunning || s.ActiveAgents != 0 {
		t.Errorf("%+v", s)
	}
}

// drainWithTurn signals the gateway while a turn runs and returns the draining state.
func drainWithTurn(t *testing.T, w *world, p *proc) (s profile.State) {
	t.Helper()
	// Once the question is in the database, its turn runs.
	eventually(t, "question is saved", func() bool {
		info, err := os.Stat(w.home.Database() + "-wal")
		return err == nil && info.Size() > 0 && saved(t, w, "s") > 0
	})
	p.signal(syscall.SIGTERM)
	eventually(t, "draining", func() bool {
		s = w.state()
		return s.Gateway == profile.StateDraining
	})
	return s
}

// TestAClosedTerminalLetsTurnsFinish: both the kernel and the shell send SIGHUP, and nobody reads the gateway's output any more.
func TestAClosedTerminalLetsTurnsFinish(t *testing.T) {
	config, more := slowModel(t)
	w := newWorld(t, config)
	r, stderr, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	w.stderr = stderr
	p := w.start("gateway")
	turn := w.background(p, "s")
	eventually(t, "question is saved", func() bool { return saved(t, w, "s") > 0 })
	r.Close()
	p.signal(syscall.SIGHUP)
	eventually(t, "draining", func() bool { return w.state().Gateway == profile.StateDraining })
	p.signal(syscall.SIGHUP)
	if code, body := w.get("/ready"); code != 503 || !strings.Contains(body, "draining") {
		t.Error(code, body)
	}
	close(more)
	if a := <-turn; a.code != 200 || !strings.HasSuffix(a.body, "[DONE]\n\n") {
		t.Error(a)
	}
	p.wantCode(129)
	if s := w.state(); s.Gateway != profile.StateRunning || s.ExitReason != "ended by signal: hangup" {
		t.Errorf("%+v", s)
	}
}

// TestNohupKeepsAGatewayRunning: a gateway that was started with SIGHUP ignored goes on ignoring it.
func TestNohupKeepsAGatewayRunning(t *testing.T) {
	w := newWorld(t, "")
	p := w.start("gateway", "GATEWAY_TEST_NOHUP=1")
	p.signal(syscall.SIGHUP)
	if code, body := w.get("/ready"); code != 200 {
		t.Error(code, body)
	}
	p.signal(syscall.SIGTERM)
	p.wantCode(143, "stopped")
}

func TestSecondSignalBreaksOffAndSavesTheHalfAnswer(t *testing.T) {
	config, _ := slowModel(t)
	w := newWorld(t, config)
	p := w.start("gateway")
	turn := w.background(p, "s")
	drainWithTurn(t, w, p)
	p.signal(syscall.SIGINT)
	if a := <-turn; !strings.Contains(a.body, `"code":"draining"`) {
		t.Error(a)
	}
	p.wantCode(143, "second signal")
	if n := saved(t, w, "s"); n != 2 {
		t.Errorf("%d messages saved", n)
	}
}

func TestDrainTimeoutBreaksOff(t *testing.T) {
	config, _ := slowModel(t)
	w := newWorld(t, config+"gateway:\n  drain_timeout: 50ms\n")
	p := w.start("gateway")
	turn := w.background(p, "s")
	eventually(t, "question is saved", func() bool { return saved(t, w, "s") > 0 })
	p.signal(syscall.SIGTERM)
	p.wantCode(143, "drain_timeout")
	if a := <-turn; !strings.Contains(a.body, "shutting down") {
		t.Error(a)
	}
}

func TestWrongConfigurationNamesFileLineAndKey(t *testing.T) {
	for _, c := range []struct {
		name, file, text string
		says             []string
	}{
		{"unknown key", "config.yaml", "model:\n  provder: x\n", []string{"config.yaml:2", "model.provder"}},
		{"bad value", "config.yaml", "api_server:\n  port: 99999\n", []string{"config.yaml:2", "api_server.port"}},
		{"broken .env", ".env", "A=1\n\"" + canaryKey + "\n", []string{".env:2"}},
		{"no key", ".env", "A=1\n", []string{".env", "API_SERVER_KEY"}},
		{"no model key", "config.yaml", "model:\n  name: gpt\n  api_key_env: NO_SUCH_KEY\n", []string{".env", "NO_SUCH_KEY"}},
		{"bad port", ".env", "API_SERVER_KEY=" + canaryKey + "\nAPI_SERVER_PORT=" + canaryModel + "\n", []string{"API_SERVER_PORT"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "")
			w.write(c.file, c.text)
			w.spawn("gateway").wantCode(78, c.says...)
			s := w.state()
			if s.Gateway != profile.StateStartupFailed || s.PID != 0 {
				t.Errorf("%+v", s)
			}
			for _, say := range c.says {
				if !strings.Contains(s.ExitReason, say) {
					t.Errorf("exit_reason %q does not say %q", s.ExitReason, say)
				}
			}
		})
	}
}

func TestTakenPortIsNamedAndMayBeTriedAgain(t *testing.T) {
	w := newWorld(t, "")
	ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", w.port))
	if err != nil {
		t.Fatal(err)
	}
	w.spawn("gateway").wantCode(1, fmt.Sprintf("port %d", w.port), "API_SERVER_PORT", "api_server.port", w.home.Config())
	if s := w.state(); s.Gateway != profile.StateStarting || !strings.Contains(s.ExitReason, "port") {
		t.Errorf("%+v", s)
	}
	ln.Close()
	w.start("gateway")
}

func TestBrokenVolumeGivesAReadableMessage(t *testing.T) {
	w := newWorld(t, "")
	p := w.spawn("gateway", "GATEWAY_TEST_NOWRITE=1")
	p.wantCode(1, "cannot start the gateway of profile 'default'", "file too large")

	w = newWorld(t, "")
	os.Mkdir(w.home.LockFile(), 0o700)
	w.spawn("gateway").wantCode(1, "gateway.lock is a directory")

	w = newWorld(t, "")
	w.write("hermes.db", strings.Repeat("junk ", 1000))
	w.spawn("gateway").wantCode(1, "hermes.db", "not a database")
	if s := w.state(); !strings.Contains(s.ExitReason, "not a database") {
		t.Errorf("%+v", s)
	}
	for _, p := range []*proc{p} {
		if strings.Contains(p.output(), "goroutine") {
			t.Error(p.output())
		}
	}
}

func TestFreshHomeOfTheDefaultProfileIsSeeded(t *testing.T) {
	w := newWorld(t, "")
	os.Remove(w.home.Soul())
	os.Remove(w.home.Env())
	w.env = []string{fmt.Sprintf("API_SERVER_PORT=%d", w.port)}
	w.start("gateway")
	if code, _ := w.get("/ready"); code != 200 {
		t.Error(code)
	}
}

func TestEndOfContextEndsRunWithoutALeak(t *testing.T) {
	w := newWorld(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	o := Options{Home: w.home, Getenv: func(string) string { return "" }, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	go func() { done <- Run(ctx, o) }()
	eventually(t, "ready", func() bool { code, _ := w.get("/ready"); return code == 200 })
	if err := Run(ctx, o); err == nil || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("second Run: %v", err)
	}
	if code, body := w.chat("s", "hi", false); code != 200 {
		t.Error(code, body)
	}
	cancel()
	if err := <-done; err != context.Canceled {
		t.Error(err)
	}
}

// TestAGatewayReadsNoOtherProfile: a gateway without a port calls AssignPort and does not read other profiles itself.
func TestAGatewayReadsNoOtherProfile(t *testing.T) {
	w := newWorld(t, "")
	n, err := profile.NewName("coder")
	if err != nil {
		t.Fatal(err)
	}
	h := profile.NewStore(w.home.Root).Home(n)
	for path, text := range map[string]string{h.Soul(): "You are Ada.\n", h.Env(): "API_SERVER_KEY=" + canaryKey + "\n"} {
		if err := errors.Join(os.MkdirAll(h.Dir, 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := Options{Home: h, Getenv: func(string) string { return "" }, Log: slog.New(slog.DiscardHandler)}
	o.AssignPort = func(context.Context) error {
		return &profile.ConfigError{File: h.Env(), Key: env.Port, Msg: "none is left"}
	}
	var refused *profile.ConfigError
	if err := Run(ctx, o); !errors.As(err, &refused) {
		t.Fatalf("without a port: %v", err)
	}
	if s, err := profile.ReadState(h); err != nil || s.Gateway != profile.StateStartupFailed || !strings.Contains(s.ExitReason, refused.Error()) {
		t.Errorf("%+v %v", s, err)
	}
	o.AssignPort = func(ctx context.Context) error { return env.Put(ctx, h, env.Port, fmt.Sprint(w.port)) }
	done := make(chan error)
	go func() { done <- Run(ctx, o) }()
	eventually(t, "ready", func() bool { code, _ := w.get("/ready"); return code == 200 })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	entries, err := os.ReadDir(h.Root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), "ports") {
			t.Errorf("it takes part in the choice of ports: %s", e.Name())
		}
	}
}
