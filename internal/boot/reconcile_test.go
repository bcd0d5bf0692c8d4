//go:build unix

package boot

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hermes/internal/profile"
	"hermes/internal/profile/env"
	"hermes/internal/service"
)

// slots is a fake Slots. It records what was written; refuse may return an error.
type slots struct {
	written map[string]service.Spec
	refuse  func(service.Spec) error
}

func (s *slots) Write(spec service.Spec) (bool, error) {
	if s.refuse != nil {
		if err := s.refuse(spec); err != nil {
			return false, err
		}
	}
	if s.written == nil {
		s.written = map[string]service.Spec{}
	}
	s.written[spec.ID.String()] = spec
	return true, nil
}

func none(string) string { return "" }

func vars(m map[string]string) func(string) string { return func(n string) string { return m[n] } }

// add makes a profile. With the state "" it has no state file.
func add(t *testing.T, root, name, state string) string {
	t.Helper()
	dir := root
	if name != "default" {
		dir = filepath.Join(root, "profiles", name)
	}
	err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "SOUL.md"), nil, 0o644))
	if state != "" {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, "gateway_state.json"), []byte(state), 0o644))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func reconcile(t *testing.T, root string, s *slots, getenv func(string) string) map[string]Outcome {
	t.Helper()
	var outcomes []Outcome
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		outcomes, err = Reconcile(profile.NewStore(root), s, getenv, false)
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("a boot hangs")
	}
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]Outcome{}
	for _, o := range outcomes {
		byName[o.Profile] = o
	}
	return byName
}

func TestGatewayDefaultIsAlwaysRegistered(t *testing.T) {
	root := filepath.Join(t.TempDir(), "not-there-yet")
	s := &slots{}
	o := reconcile(t, root, s, none)
	if len(o) != 1 || o["default"] != (Outcome{"default", "none", Registered, ""}) {
		t.Errorf("got %+v", o)
	}
	if spec, ok := s.written["gateway-default"]; !ok || spec.Up {
		t.Errorf("slots %+v", s.written)
	}
	if env, err := env.Load(profile.NewStore(root).Home(profile.Default())); err != nil || env["API_SERVER_KEY"] == "" {
		t.Errorf("the home is not seeded: %v", err)
	}
}

func TestABootBringsBackExactlyThoseThatRan(t *testing.T) {
	root := t.TempDir()
	want := map[string]Action{"default": Registered, "no-file": Registered, "unreadable": Registered}
	add(t, root, "default", `{"desired_state":"stopped","gateway_state":"running"}`)
	add(t, root, "no-file", "")
	add(t, root, "unreadable", `{"gateway_state":"runn`)
	for _, desired := range []string{"", "running", "stopped"} {
		for _, gateway := range []string{"", "starting", "running", "degraded", "draining", "stopped", "startup_failed"} {
			name := fmt.Sprintf("d-%s-g-%s", desired, gateway)
			add(t, root, name, fmt.Sprintf(`{"desired_state":%q,"gateway_state":%q}`, desired, gateway))
			want[name] = decide(profile.State{Desired: profile.DesiredState(desired), Gateway: profile.GatewayState(gateway)})
		}
	}
	s := &slots{}
	got := reconcile(t, root, s, none)
	if len(got) != len(want) {
		t.Errorf("%d outcomes, want %d", len(got), len(want))
	}
	for name, action := range want {
		spec, ok := s.written["gateway-"+name]
		if got[name].Action != action || !ok || spec.Up != (action == Started) || spec.KillAfter != 25*time.Second {
			t.Errorf("%s: %+v, slot %+v; want %s", name, got[name], spec, action)
		}
	}
	if o := got["unreadable"]; o.PriorState != "unreadable" || !strings.Contains(o.Reason, "gateway_state.json") {
		t.Errorf("unreadable: %+v", o)
	}
	if log := readLog(t, filepath.Join(root, "logs", bootLogName)); strings.Count(log, "\n") != len(want) {
		t.Errorf("one line per profile: %s", log)
	}
}

func TestTheBootstrapStateSeedsOnlyTheDefaultProfileOnlyWithoutAState(t *testing.T) {
	getenv := vars(map[string]string{"HERMES_GATEWAY_BOOTSTRAP_STATE": "running"})
	root := t.TempDir()
	add(t, root, "coder", "")
	s := &slots{}
	o := reconcile(t, root, s, getenv)
	if o["default"].Action != Started || !s.written["gateway-default"].Up || o["coder"].Action != Registered {
		t.Errorf("fresh volume: %+v", o)
	}
	add(t, root, "default", `{"gateway_state":"stopped"}`)
	if o := reconcile(t, root, &slots{}, getenv); o["default"].Action != Registered {
		t.Errorf("with a state: %+v", o["default"])
	}
	for _, other := range []string{"1", "Running", "stopped"} {
		o := reconcile(t, t.TempDir(), &slots{}, vars(map[string]string{"HERMES_GATEWAY_BOOTSTRAP_STATE": other}))
		if o["default"].Action != Registered {
			t.Errorf("%q starts the gateway", other)
		}
	}
}

func TestTheDashboardsSlotIsUpOnlyWhenAskedFor(t *testing.T) {
	for value, up := range map[string]bool{"1": true, "true": true, "YES": true, "": false, "0": false, "on": false, "flase": false} {
		s := &slots{}
		reconcile(t, t.TempDir(), s, vars(map[string]string{"HERMES_DASHBOARD": value}))
		if spec, ok := s.written["dashboard"]; !ok || spec.Up != up {
			t.Errorf("%q: %+v, want up %v", value, spec, up)
		}
	}
}

func TestStaleFilesOfTheLastRunAreRemovedAndNothingElse(t *testing.T) {
	root := t.TempDir()
	dir := add(t, root, "coder", `{"gateway_state":"running"}`)
	keep := []string{"SOUL.md", "gateway_state.json", "gateway.lock", "hermes.db", ".env"}
	stale := []string{"gateway.pid", "processes.json", ".gateway_takeover.json"}
	target := filepath.Join(root, "target")
	for _, name := range append(append([]string{}, keep[2:]...), stale[:2]...) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("API_SERVER_KEY=x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.WriteFile(target, nil, 0o600), os.Symlink(target, filepath.Join(dir, stale[2]))); err != nil {
		t.Fatal(err)
	}
	if o := reconcile(t, root, &slots{}, none); o["coder"].Reason != "" {
		t.Errorf("%+v", o["coder"])
	}
	for _, name := range stale {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
	for _, name := range keep {
		if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Lstat(target); err != nil {
		t.Errorf("a link was followed: %v", err)
	}
}

func TestOneProfilesTroubleNeverStopsTheOthers(t *testing.T) {
	root := t.TempDir()
	running := `{"gateway_state":"running"}`
	good := add(t, root, "zz-good", running)
	profiles := filepath.Dir(good)
	add(t, root, "refused", running)
	add(t, root, "Bad Name", running)
	add(t, root, "escape\x1b[31m\n", running)
	add(t, root, "enormous", "")
	add(t, root, "half", `{"gateway_state":`)
	add(t, root, "pid-dir", running)
	hostile := map[string]string{"default": ""}
	for _, name := range []string{"fifos", "links"} {
		dir := add(t, root, name, "")
		for _, f := range []string{"gateway_state.json", "config.yaml", ".env", "gateway.pid", "processes.json"} {
			var err error
			if name == "fifos" {
				err = syscall.Mkfifo(filepath.Join(dir, f), 0o644)
			} else {
				err = os.Symlink("/dev/zero", filepath.Join(dir, f))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		hostile[name] = dir
	}
	if err := errors.Join(
		os.Truncate(touch(t, filepath.Join(profiles, "enormous", "gateway_state.json")), 1<<40),
		os.MkdirAll(filepath.Join(profiles, "pid-dir", "gateway.pid", "x"), 0o755),
		os.Symlink(good, filepath.Join(profiles, "linked")),
		os.MkdirAll(filepath.Join(profiles, "soul-fifo"), 0o755),
		syscall.Mkfifo(filepath.Join(profiles, "soul-fifo", "SOUL.md"), 0o644),
		os.MkdirAll(filepath.Join(profiles, "default"), 0o755),
		os.WriteFile(filepath.Join(profiles, "enormous", "config.yaml"), []byte(strings.Repeat("[", 1<<19)), 0o644),
	); err != nil {
		t.Fatal(err)
	}
	s := &slots{refuse: func(spec service.Spec) error {
		if spec.ID.String() == "gateway-refused" {
			return errors.New("disk full")
		}
		return nil
	}}
	o := reconcile(t, root, s, none)
	if o["zz-good"] != (Outcome{"zz-good", "running", Started, ""}) || !s.written["gateway-zz-good"].Up {
		t.Errorf("the good one: %+v", o["zz-good"])
	}
	for name, want := range map[string]Action{
		"refused": Skipped, "Bad Name": Skipped, "escape\x1b[31m\n": Skipped, "linked": Skipped, "soul-fifo": Skipped, "default": Skipped,
		"enormous": Registered, "half": Registered, "fifos": Registered, "links": Registered, "pid-dir": Started,
	} {
		if o[name].Action != want || o[name].Reason == "" {
			t.Errorf("%q: %+v, want %s with a reason", name, o[name], want)
		}
	}
	if _, ok := s.written["gateway-default"]; !ok {
		t.Error("gateway-default has no slot")
	}
	for _, line := range strings.Split(strings.TrimSpace(readLog(t, filepath.Join(root, "logs", bootLogName))), "\n") {
		if parseLine(t, line); len(line) > 2000 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
}

func touch(t *testing.T, path string) string {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAStateThatNobodyKnowsDoesNotReachTheBootLog: other tools write the state file, and its content must not flood or forge the
// boot log.
func TestAStateThatNobodyKnowsDoesNotReachTheBootLog(t *testing.T) {
	root := t.TempDir()
	add(t, root, "coder", `{"desired_state":"running","gateway_state":"`+strings.Repeat("x", 1<<19)+`"}`)
	o := reconcile(t, root, &slots{}, none)
	if o["coder"].Action != Started || o["coder"].PriorState != "unknown" || !strings.Contains(o["coder"].Reason, "gateway_state") {
		t.Errorf("got %.200v", o["coder"])
	}
	if log := readLog(t, filepath.Join(root, "logs", bootLogName)); len(log) > 1000 {
		t.Errorf("the boot log got %d bytes", len(log))
	}
}

func TestAHostileBootLogIsReportedAndTheBootGoesOn(t *testing.T) {
	for kind, make := range map[string]func(path string) error{
		"a symbolic link": func(p string) error { return os.Symlink(touch(t, p+".target"), p) },
		"a FIFO":          func(p string) error { return syscall.Mkfifo(p, 0o644) },
		"a directory":     func(p string) error { return os.Mkdir(p, 0o755) },
	} {
		root := t.TempDir()
		path := filepath.Join(root, "logs", bootLogName)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), make(path)); err != nil {
			t.Fatal(err)
		}
		add(t, root, "coder", `{"gateway_state":"running"}`)
		s := &slots{}
		var outcomes []Outcome
		done := inBackground(func() (err error) {
			outcomes, err = Reconcile(profile.NewStore(root), s, none, false)
			return err
		})
		select {
		case err := <-done:
			if err == nil || !strings.Contains(err.Error(), bootLogName+" is "+kind) {
				t.Errorf("%s: %v", kind, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: a boot hangs", kind)
		}
		if len(outcomes) != 2 || !s.written["gateway-coder"].Up {
			t.Errorf("%s: %+v", kind, outcomes)
		}
		if info, err := os.Stat(path + ".target"); err == nil && info.Size() > 0 {
			t.Error("the link was followed")
		}
	}
}

func inBackground(f func() error) <-chan error {
	c := make(chan error, 1)
	go func() { c <- f() }()
	return c
}

func TestLogsThatIsNoDirectoryDoesNotStopABoot(t *testing.T) {
	root := t.TempDir()
	touch(t, filepath.Join(root, "logs"))
	s := &slots{}
	if outcomes, err := Reconcile(profile.NewStore(root), s, none, false); err == nil || len(outcomes) != 1 || len(s.written) != 2 {
		t.Errorf("got %v, %v, %v", outcomes, s.written, err)
	}
}

// fingerprint returns a hash of every name, mode, time and content below a directory.
func fingerprint(t *testing.T, root string) string {
	t.Helper()
	h := sha256.New()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintln(h, path, info.Mode(), info.ModTime().UnixNano())
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			fmt.Fprintln(h, data, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func TestADryRunDecidesAndChangesNothing(t *testing.T) {
	root := t.TempDir()
	dir := add(t, root, "coder", `{"gateway_state":"running"}`)
	touch(t, filepath.Join(dir, "gateway.pid"))
	add(t, root, "Bad Name", "")
	before := fingerprint(t, root)
	s := &slots{}
	outcomes, err := Reconcile(profile.NewStore(root), s, none, true)
	if err != nil || len(outcomes) != 3 {
		t.Errorf("got %+v, %v", outcomes, err)
	}
	if len(s.written) != 0 || fingerprint(t, root) != before {
		t.Errorf("something changed; slots %v", s.written)
	}
	wet := reconcile(t, root, &slots{}, none)
	for _, o := range outcomes {
		if wet[o.Profile] != o {
			t.Errorf("dry %+v, wet %+v", o, wet[o.Profile])
		}
	}
	missing := filepath.Join(root, "none")
	if _, err := Reconcile(profile.NewStore(missing), s, none, true); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(missing); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a dry run made HERMES_HOME")
	}
}
