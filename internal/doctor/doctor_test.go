package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"hermes/internal/profile"
	"hermes/internal/profile/provision"
	"hermes/internal/service"
	"hermes/internal/volume"
)

// patient is a HERMES_HOME with a healthy default profile.
type patient struct {
	t *testing.T
	Options
}

func newPatient(t *testing.T) *patient {
	t.Helper()
	p := &patient{t: t, Options: Options{Store: profile.NewStore(t.TempDir()), Getenv: func(string) string { return "" }, UID: os.Geteuid(), GID: -1}}
	p.profile("default")
	return p
}

func name(t *testing.T, s string) profile.Name {
	t.Helper()
	n, err := profile.ParseName(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// profile makes a healthy profile.
func (p *patient) profile(s string) profile.Home {
	p.t.Helper()
	h, err := provision.Seed(context.Background(), p.Store, name(p.t, s))
	if err != nil {
		p.t.Fatal(err)
	}
	return h
}

func (p *patient) write(path, text string, mode os.FileMode) {
	p.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		p.t.Fatal(err)
	}
}

func (p *patient) examine() []Finding { return Run(p.t.Context(), p.Options) }

// found returns the only finding whose text contains what.
func found(t *testing.T, all []Finding, what string) Finding {
	t.Helper()
	for _, f := range all {
		if strings.Contains(f.What, what) {
			return f
		}
	}
	t.Fatalf("no finding says %q: %+v", what, all)
	return Finding{}
}

func wrong(all []Finding) (some []Finding) {
	for _, f := range all {
		if f.Wrong() {
			some = append(some, f)
		}
	}
	return some
}

func TestNothingIsWrongWithAHealthyHome(t *testing.T) {
	p := newPatient(t)
	p.profile("coder")
	if w := wrong(p.examine()); len(w) > 0 {
		t.Errorf("found %+v", w)
	}
	entries, err := os.ReadDir(p.Store.Root())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".doctor") || e.Name() == "gateway.lock" {
			t.Errorf("the examination left %s behind", e.Name())
		}
	}
}

func TestNoHomeYetIsNothingWrong(t *testing.T) {
	p := newPatient(t)
	p.Store = profile.NewStore(filepath.Join(t.TempDir(), "none"))
	all := p.examine()
	if w := wrong(all); len(w) > 0 {
		t.Errorf("found %+v", w)
	}
	p.Image = true
	if f := found(t, p.examine(), "HERMES_HOME"); f.Severity != Error || !strings.Contains(f.Mend, "docker run -v") {
		t.Errorf("in the image: %+v", f)
	}
}

func TestEachTroubleIsFoundBesideTheOthers(t *testing.T) {
	p := newPatient(t)
	root := p.Store.Root()
	for _, s := range []string{"a", "b", "open", "nokey", "badconfig", "gaveup", "openai"} {
		p.profile(s)
	}
	home := func(s string) profile.Home { return p.Store.Home(name(t, s)) }
	p.write(home("a").Env(), "API_SERVER_KEY=k\nAPI_SERVER_PORT=9300\n", 0o600)
	p.write(home("b").Env(), "API_SERVER_KEY=k\n", 0o600)
	p.write(home("b").Config(), "api_server:\n  port: 9300\n", 0o644)
	p.write(home("b").StateFile(), "{", 0o644)
	p.write(home("nokey").Env(), "X=1\n", 0o600)
	p.write(home("badconfig").Config(), "model:\n  provider: nobody\n", 0o644)
	p.write(home("openai").Config(), "model:\n  name: m\n", 0o644)
	p.write(home("gaveup").StateFile(), `{"gateway_state":"startup_failed","exit_reason":"the reason"}`, 0o644)
	p.write(filepath.Join(root, "profiles", "Bad Name", "SOUL.md"), "x", 0o644)
	p.write(filepath.Join(root, "profiles", "default", "SOUL.md"), "x", 0o644)
	links := os.Symlink(filepath.Join(root, "profiles", "a"), filepath.Join(root, "profiles", "linked")) == nil

	all := p.examine()
	for _, c := range []struct{ check, what, mend string }{
		{"ports", "port 9300 belongs to 'a' and 'b'", "hermes -p b gateway run"},
		{"profiles", "cannot parse " + home("b").StateFile(), ".corrupt"},
		{"profiles", "API_SERVER_KEY", "edit the file"},
		{"profiles", "model.provider: unknown provider", "edit the file"},
		{"profiles", "OPENAI_API_KEY: missing", "add a line OPENAI_API_KEY="},
		{"profiles", "invalid profile name \"Bad Name\"", "mv '"},
		{"profiles", filepath.Join("profiles", "default") + " is never used", "move what you need"},
		{"gateways", "gateway 'gaveup' is not started any more: the reason", "hermes -p gaveup gateway run"},
	} {
		if f := found(t, all, c.what); f.Check != c.check || !f.Wrong() || !strings.Contains(f.Mend, c.mend) {
			t.Errorf("%s: got %+v", c.what, f)
		}
	}
	if links {
		found(t, all, "is a symbolic link")
	}
}

func TestFixMendsTheModeOfEnv(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes here")
	}
	p := newPatient(t)
	h := p.profile("open")
	p.write(h.Env(), "API_SERVER_KEY=k\n", 0o644)
	all := p.examine()
	if f := found(t, all, "mode 0644"); !f.Fixable || !f.Wrong() {
		t.Fatalf("got %+v", f)
	}
	Fix(t.Context(), all)
	if f := found(t, all, "mode 0644"); f.Wrong() || !strings.Contains(f.Fixed, "0600") {
		t.Errorf("got %+v", f)
	}
	if info, err := os.Stat(h.Env()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if w := wrong(p.examine()); len(w) > 0 {
		t.Errorf("still wrong: %+v", w)
	}
}

func TestAStalePIDFileIsRemovedAndALivingOneStays(t *testing.T) {
	p := newPatient(t)
	dead, alive := p.profile("dead"), p.profile("alive")
	for _, h := range []profile.Home{dead, alive} {
		p.write(h.PIDFile(), `{"pid":1}`, 0o644)
	}
	lock, err := alive.Files().TryLock(profile.LockName)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	all := p.examine()
	Fix(t.Context(), all)
	if f := found(t, all, dead.PIDFile()); f.Fixed == "" {
		t.Errorf("got %+v", f)
	}
	if _, err := os.Lstat(dead.PIDFile()); err == nil {
		t.Error("the stale file is still there")
	}
	if _, err := os.Lstat(alive.PIDFile()); err != nil {
		t.Error("a living gateway lost its pid file")
	}
	// A gateway may start between the check and the fix.
	if _, err := removeStale(alive); !errors.Is(err, volume.ErrLocked) {
		t.Errorf("got %v", err)
	}
}

func TestSlotsAreComparedWithProfiles(t *testing.T) {
	p := newPatient(t)
	p.profile("unregistered")
	m := &manager{status: map[string]service.Status{"default": {}, "gone": {}, "running": {Up: true, PID: 7}}}
	p.Manager = m
	all := p.examine()
	if f := found(t, all, "slot 'gateway-running' has no profile"); f.Severity != Error || f.Fixable {
		t.Errorf("a running slot: %+v", f)
	}
	Fix(t.Context(), all)
	for _, what := range []string{"profile 'unregistered' has no slot", "slot 'gateway-gone' has no profile"} {
		if f := found(t, all, what); f.Fixed == "" {
			t.Errorf("got %+v", f)
		}
	}
	if got := fmt.Sprint(m.did); got != "[register unregistered unregister gone]" {
		t.Errorf("got %s", got)
	}
}

func TestASlotThatCameUpAgainIsNotRemoved(t *testing.T) {
	p := newPatient(t)
	m := &manager{status: map[string]service.Status{"default": {}, "gone": {}}}
	p.Manager = m
	all := p.examine()
	m.status["gone"] = service.Status{Up: true}
	Fix(t.Context(), all)
	if f := found(t, all, "slot 'gateway-gone' has no profile"); f.Fixed != "" || !strings.Contains(f.FixError, "in use again") || len(m.did) != 0 {
		t.Errorf("got %+v, did %q", f, m.did)
	}
}

func TestAGatewayThatIsToRunAndIsKeptDown(t *testing.T) {
	p := newPatient(t)
	h := p.profile("coder")
	p.write(h.StateFile(), `{"gateway_state":"stopped","desired_state":"running"}`, 0o644)
	p.Manager = &manager{status: map[string]service.Status{"default": {}, "coder": {}}}
	if f := found(t, p.examine(), "is to run, but the supervisor keeps it down"); !strings.Contains(f.Mend, "`hermes -p coder gateway start`") {
		t.Errorf("got %+v", f)
	}
	p.Manager = &manager{status: map[string]service.Status{"default": {}, "coder": {Up: true, Ready: true, WantUp: true}}}
	for _, f := range p.examine() {
		if f.Check == "gateways" {
			t.Errorf("it runs: %+v", f)
		}
	}
}

func TestACheckThatPanicsOrHangsStopsNoOther(t *testing.T) {
	p := newPatient(t)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	all := run(t.Context(), p.Options, []check{
		{"panics", func(context.Context, *examination) []Finding { panic("oops") }},
		{"hangs", func(context.Context, *examination) []Finding { <-release; return nil }},
		{"works", func(context.Context, *examination) []Finding { return []Finding{{Severity: Note, What: "fine"}} }},
	}, 200*time.Millisecond)
	if found(t, all, "broke off: oops").Check != "panics" || found(t, all, "did not finish").Check != "hangs" || found(t, all, "fine").Check != "works" {
		t.Errorf("got %+v", all)
	}
}

// manager is a fake service manager. Its slots are in a map.
type manager struct {
	service.Manager // nil: the tests do not call the other methods
	status          map[string]service.Status
	dashboard       *service.Status // nil if the dashboard has no slot
	deaf            string          // the profile whose supervisor does not answer commands
	did             []string
}

func (m *manager) Supervised(id service.ID) bool {
	n, ok := id.Profile()
	return !ok || n.String() != m.deaf
}

func (m *manager) Kind() service.Kind         { return service.KindS6 }
func (m *manager) SupportsRegistration() bool { return true }

func (m *manager) Status(_ context.Context, id service.ID) (service.Status, error) {
	if id == service.Dashboard() {
		if m.dashboard == nil {
			return service.Status{}, service.NotRegistered(id)
		}
		return *m.dashboard, nil
	}
	n, _ := id.Profile()
	st, ok := m.status[n.String()]
	if !ok {
		return st, service.NotRegistered(id)
	}
	st.ID = id
	return st, nil
}

func (m *manager) List(context.Context) ([]service.Status, error) {
	var all []service.Status
	for s, st := range m.status {
		n, err := profile.ParseName(s)
		if err != nil {
			return nil, err
		}
		st.ID = service.Gateway(n)
		all = append(all, st)
	}
	return all, nil
}

func (m *manager) Register(_ context.Context, spec service.Spec) error {
	n, _ := spec.ID.Profile()
	m.did = append(m.did, "register "+n.String())
	return nil
}

func (m *manager) Unregister(_ context.Context, id service.ID) error {
	n, _ := id.Profile()
	m.did = append(m.did, "unregister "+n.String())
	return nil
}
