//go:build linux

package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hermes/internal/environment"
	"hermes/internal/profile"
	"hermes/internal/profile/ports"
	"hermes/internal/profile/provision"
)

// The canaries stand for secrets: the tests fail if a gateway's output contains one.
const (
	canaryKey   = "hk-canary-api-key"
	canaryModel = "sk-canary-model-key"
	canaryWords = "canary words of a user"
)

// deadline limits every wait in these tests.
const deadline = 20 * time.Second

// TestMain runs the tests or, if GATEWAY_TEST_ROLE is set, one of the child processes that the tests start.
func TestMain(m *testing.M) {
	switch os.Getenv("GATEWAY_TEST_ROLE") {
	case "gateway":
		os.Exit(child())
	case "stubborn", "nameless":
		hold(os.Getenv("GATEWAY_TEST_ROLE") == "stubborn")
	}
	goleak.VerifyTestMain(m)
}

// child does what the CLI does: it runs the gateway, prints the error, and turns it into an exit code.
func child() int {
	if os.Getenv("GATEWAY_TEST_NOWRITE") != "" {
		signal.Ignore(syscall.SIGXFSZ)
		syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{})
	}
	name, _ := profile.ParseName(os.Getenv("GATEWAY_TEST_NAME"))
	store := profile.NewStore(os.Getenv("HERMES_HOME"))
	home := store.Home(name)
	if _, err := home.Files().Lstat(profile.SoulName); errors.Is(err, fs.ErrNotExist) && name.IsDefault() {
		if _, err := provision.Seed(context.Background(), store, name); err != nil {
			fmt.Fprintln(os.Stderr, "✗", err)
			return 1
		}
	}
	err := Run(context.Background(), Options{
		Home: home, ReadyFD: 3, Replace: os.Getenv("GATEWAY_TEST_REPLACE") != "",
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		AssignPort: func(ctx context.Context) error {
			_, err := ports.Assign(ctx, store, home, environment.Get)
			return err
		},
	})
	if err == nil {
		return 0
	}
	var sig *SignalError
	if !errors.As(err, &sig) { // Run has logged a signal already
		fmt.Fprintln(os.Stderr, "✗", err)
	}
	var config *profile.ConfigError
	switch {
	case errors.As(err, &sig):
		return 128 + int(sig.Signal.(syscall.Signal))
	case errors.As(err, &config):
		return 78
	case errors.Is(err, ErrRestartRequested):
		return 75
	}
	return 1
}

// hold is a process that takes the lock, ignores SIGTERM, and writes gateway.pid only if named is true.
func hold(named bool) {
	signal.Ignore(syscall.SIGTERM)
	h := profile.NewStore(os.Getenv("HERMES_HOME")).Home(profile.Default())
	lock, err := h.Files().TryLock(profile.LockName)
	if err != nil {
		panic(err)
	}
	defer runtime.KeepAlive(lock) // the garbage collector closes a file that nobody uses any more, which frees the lock
	if named {
		data, _ := json.Marshal(pidRecord{identity: self()})
		h.Files().WriteFile(profile.PIDName, data, 0o644)
	}
	os.NewFile(3, "ready").Write([]byte("\n"))
	select {}
}

// world is a HERMES_HOME with a default profile.
type world struct {
	t    *testing.T
	home profile.Home
	port int
	env  []string
	// stderr gets the children's output, if it is set; otherwise proc.output does.
	stderr *os.File
}

func newWorld(t *testing.T, config string) *world {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, home: profile.NewStore(t.TempDir()).Home(profile.Default()), port: ln.Addr().(*net.TCPAddr).Port}
	ln.Close()
	w.write(".env", fmt.Sprintf("API_SERVER_KEY=%s\nOPENAI_API_KEY=%s\nAPI_SERVER_PORT=%d\n", canaryKey, canaryModel, w.port))
	w.write("SOUL.md", "You are Ada.\n")
	if config != "" {
		w.write("config.yaml", config)
	}
	return w
}

func (w *world) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.home.Dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// proc is a child process.
type proc struct {
	*exec.Cmd
	t     *testing.T
	ready *os.File
	mu    sync.Mutex
	out   bytes.Buffer
	done  chan struct{}
}

func (p *proc) Write(b []byte) (int, error) { p.mu.Lock(); defer p.mu.Unlock(); return p.out.Write(b) }
func (p *proc) output() string              { p.mu.Lock(); defer p.mu.Unlock(); return p.out.String() }

// spawn starts a child and returns at once.
func (w *world) spawn(role string, env ...string) *proc {
	w.t.Helper()
	r, wr, err := os.Pipe()
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	if slices.Contains(env, "GATEWAY_TEST_NOHUP=1") {
		cmd = exec.Command("sh", "-c", `trap "" HUP; exec "$0"`, os.Args[0]) // as nohup(1) does
	}
	p := &proc{Cmd: cmd, t: w.t, ready: r, done: make(chan struct{})}
	p.Env = append([]string{"GATEWAY_TEST_ROLE=" + role, "GATEWAY_TEST_NAME=default", "HERMES_HOME=" + w.home.Root}, append(w.env, env...)...)
	p.ExtraFiles = []*os.File{wr}
	p.Stderr = p
	if w.stderr != nil {
		p.Stderr = w.stderr
	}
	if err := p.Start(); err != nil {
		w.t.Fatal(err)
	}
	wr.Close()
	go func() { p.Cmd.Wait(); close(p.done) }()
	w.t.Cleanup(func() {
		p.Process.Kill()
		<-p.done
		r.Close()
		for _, secret := range []string{canaryKey, canaryModel, canaryWords} {
			if strings.Contains(p.output(), secret) {
				w.t.Errorf("output holds %q:\n%s", secret, p.output())
			}
		}
	})
	return p
}

// start starts a child and waits until it is ready.
func (w *world) start(role string, env ...string) *proc {
	w.t.Helper()
	p := w.spawn(role, env...)
	p.ready.SetReadDeadline(time.Now().Add(deadline))
	b := make([]byte, 8)
	if n, err := p.ready.Read(b); err != nil || string(b[:n]) != "\n" {
		w.t.Fatalf("not ready: %q %v\n%s", b[:n], err, p.output())
	}
	return p
}

// code waits until the child has ended and returns its exit code.
func (p *proc) code() int {
	p.t.Helper()
	select {
	case <-p.done:
		return p.ProcessState.ExitCode()
	case <-time.After(deadline):
		p.t.Fatalf("still runs:\n%s", p.output())
		return -1
	}
}

func (p *proc) wantCode(want int, says ...string) {
	p.t.Helper()
	got := p.code()
	for _, s := range says {
		if !strings.Contains(p.output(), s) {
			p.t.Errorf("output does not say %q:\n%s", s, p.output())
		}
	}
	if got != want {
		p.t.Errorf("exit code %d, want %d:\n%s", got, want, p.output())
	}
}

func (p *proc) signal(s os.Signal) {
	p.t.Helper()
	if err := p.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

func (w *world) state() profile.State {
	w.t.Helper()
	s, err := profile.ReadState(w.home)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// eventually waits until cond is true.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !cond(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: deadline}

func (w *world) get(path string) (int, string) {
	res, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d%s", w.port, path))
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	data, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(data)
}

// chat asks a question in a session and returns the HTTP status and the body.
func (w *world) chat(session, words string, stream bool) (int, string) {
	body := fmt.Sprintf(`{"stream":%v,"messages":[{"role":"user","content":%q}]}`, stream, words)
	req, err := http.NewRequest("POST", fmt.Sprintf("http://127.0.0.1:%d/v1/chat/completions", w.port), strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	req.Header.Set("Authorization", "Bearer "+canaryKey)
	if session != "" {
		req.Header.Set("X-Hermes-Session", session)
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	data, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(data)
}
