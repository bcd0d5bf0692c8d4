package profile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func mustCreate(t testing.TB, s *Store, label string, from *Home) Made {
	t.Helper()
	m, err := s.Create(t.Context(), name(t, label), from, env())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// inProfiles lists what is in the profiles directory, hidden names included.
func inProfiles(t testing.TB, s *Store) []string {
	t.Helper()
	entries, err := os.ReadDir(s.profiles().Path("."))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func files(t testing.TB, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			all = append(all, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCreateSeedsIdentityKeyAndPortAndNothingElse(t *testing.T) {
	s := NewStore(t.TempDir())
	m := mustCreate(t, s, "coder", nil)
	if got := files(t, m.Home.Dir); !slices.Equal(got, []string{".env", "SOUL.md"}) {
		t.Error(got)
	}
	e, err := LoadEnv(m.Home)
	if err != nil || !strings.HasPrefix(e["API_SERVER_KEY"], "hk-") || e["API_SERVER_PORT"] != fmt.Sprint(DerivedPort(m.Home.Name)) {
		t.Error(e, err)
	}
	for path, mode := range map[string]fs.FileMode{m.Home.Dir: 0o700, m.Home.Env(): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Error(path, info.Mode(), err)
		}
	}
	if _, err := s.Get(m.Home.Name); err != nil {
		t.Error(err)
	}
}

func TestATakenNameIsRefusedAndNothingIsTouched(t *testing.T) {
	s := NewStore(t.TempDir())
	m := mustCreate(t, s, "coder", nil)
	before := slurp(t, m.Home.Env())
	put(t, filepath.Join(s.profiles().Path("."), "notes", "x"), "mine")
	for label, isProfile := range map[string]bool{"coder": true, "notes": false, "default": true} {
		var exists *ExistsError
		_, err := s.Create(t.Context(), name(t, label), nil, env())
		if !errors.As(err, &exists) || exists.Profile != isProfile {
			t.Errorf("%s: %v", label, err)
		}
	}
	if slurp(t, m.Home.Env()) != before {
		t.Error("rewritten")
	}
	if got := inProfiles(t, s); !slices.Equal(got, []string{"coder", "notes"}) {
		t.Error(got)
	}
}

func TestOfManyThatCreateOneNameOneDoes(t *testing.T) {
	s := NewStore(t.TempDir())
	var wg sync.WaitGroup
	var mu sync.Mutex
	made := 0
	for range 12 {
		wg.Go(func() {
			_, err := s.Create(t.Context(), name(t, "coder"), nil, env())
			var exists *ExistsError
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				made++
			} else if !errors.As(err, &exists) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := inProfiles(t, s); made != 1 || !slices.Equal(got, []string{"coder"}) {
		t.Error(made, got)
	}
}

func TestACloneGetsIdentityAndConfigurationAndNothingElse(t *testing.T) {
	s := NewStore(t.TempDir())
	from := mustCreate(t, s, "coder", nil).Home
	kept := map[string]string{
		"SOUL.md": "I am", "skills/a/SKILL.md": "do", "skills/a/run.sh": "#!", "notes.txt": "n",
	}
	lost := []string{
		"gateway_state.json", ".gateway_state.lock", "gateway.pid", "gateway.lock", "processes.json", ".gateway_takeover.json",
		"hermes.db", "hermes.db-wal", "hermes.db-shm", "other.db", "logs/x.log", "x.log", "x.pid", "a.lock", "profiles/y/SOUL.md",
		"key.pem", "auth.json", "skills/a/.env", "secrets/x.md", "my_token.txt", "id_ed25519", ".ssh/config", "prod.env",
	}
	for rel, content := range kept {
		put(t, filepath.Join(from.Dir, rel), content)
	}
	for _, rel := range lost {
		put(t, filepath.Join(from.Dir, rel), "LOST")
	}
	put(t, from.Config(), "# who\nmodel:\n  provider: echo\napi_server:\n  host: 127.0.0.1\n  port: 9444 # mine\n")
	put(t, from.Env(), "API_SERVER_KEY=old\nAPI_SERVER_PORT=9445\nOPENAI_API_KEY=LOST\n")
	if err := os.Symlink("/etc/passwd", filepath.Join(from.Dir, "link")); err != nil {
		t.Skip(err)
	}
	m := mustCreate(t, s, "twin", &from)
	want := []string{".env", "SOUL.md", "config.yaml", "notes.txt", "skills/a/SKILL.md", "skills/a/run.sh"}
	if got := files(t, m.Home.Dir); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for rel, content := range kept {
		if got := slurp(t, filepath.Join(m.Home.Dir, rel)); got != content {
			t.Errorf("%s: %q", rel, got)
		}
	}
	if got := slurp(t, m.Home.Config()); got != "# who\nmodel:\n  provider: echo\napi_server:\n  host: 127.0.0.1\n" {
		t.Errorf("%q", got)
	}
	e, err := LoadEnv(m.Home)
	if err != nil || e["API_SERVER_KEY"] == "old" || e["OPENAI_API_KEY"] != "" || m.Port != DerivedPort(m.Home.Name) {
		t.Error(e, m.Port, err)
	}
	for _, rel := range []string{"key.pem", "link", "secrets", "skills/a/.env", "x.log"} {
		if !slices.ContainsFunc(m.LeftOut, func(l LeftOut) bool { return l.Name == rel }) {
			t.Errorf("%s is not named: %q", rel, m.LeftOut)
		}
	}
}

func TestACloneHasAPortOfItsOwnWhateverTheConfigLooksLike(t *testing.T) {
	s := NewStore(t.TempDir())
	from := mustCreate(t, s, "coder", nil).Home
	put(t, from.Env(), "API_SERVER_KEY=k\n")
	put(t, from.Config(), "api_server: {port: 9444, host: 127.0.0.1}\n")
	m := mustCreate(t, s, "twin", &from)
	if port, origin, err := OwnPort(m.Home, env()); err != nil || port == 9444 || port != m.Port || origin != m.Home.Env() {
		t.Error(port, origin, err)
	}
}

func TestTheDefaultProfileIsClonedWithoutTheOthers(t *testing.T) {
	s := NewStore(t.TempDir())
	d, err := s.Seed(Default())
	if err != nil {
		t.Fatal(err)
	}
	mustCreate(t, s, "coder", nil)
	put(t, filepath.Join(s.Root(), "logs", "container-boot.log"), "x")
	m := mustCreate(t, s, "twin", &d)
	if got := files(t, m.Home.Dir); !slices.Equal(got, []string{".env", "SOUL.md"}) {
		t.Error(got)
	}
}

func TestDeleteTwiceSaysNoSuchProfile(t *testing.T) {
	s := NewStore(t.TempDir())
	m := mustCreate(t, s, "coder", nil)
	other := mustCreate(t, s, "coder-2", nil)
	put(t, filepath.Join(m.Home.LogDir(), "current"), "log")
	put(t, filepath.Join(other.Home.LogDir(), "current"), "log")
	if err := s.Delete(t.Context(), m.Home.Name); err != nil {
		t.Fatal(err)
	}
	var missing *NotFoundError
	if err := s.Delete(t.Context(), m.Home.Name); !errors.As(err, &missing) {
		t.Error(err)
	}
	if got := inProfiles(t, s); !slices.Equal(got, []string{"coder-2"}) {
		t.Error(got)
	}
	if _, err := os.Stat(m.Home.LogDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Error("logs stay", err)
	}
	if _, err := os.Stat(other.Home.LogDir()); err != nil {
		t.Error(err)
	}
}

func TestDeleteNeverTouchesTheRootProfile(t *testing.T) {
	s := NewStore(t.TempDir())
	if _, err := s.Seed(Default()); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), Default()); err == nil || !strings.Contains(err.Error(), "cannot touch the root profile") {
		t.Error(err)
	}
	if _, err := os.Stat(s.Home(Default()).Soul()); err != nil {
		t.Error(err)
	}
}

func TestDeleteFollowsNoLink(t *testing.T) {
	s := NewStore(t.TempDir())
	precious := t.TempDir()
	put(t, filepath.Join(precious, "SOUL.md"), "keep")
	m := mustCreate(t, s, "coder", nil)
	if err := os.Symlink(precious, filepath.Join(m.Home.Dir, "dir")); err != nil {
		t.Skip(err)
	}
	if err := os.MkdirAll(filepath.Dir(m.Home.LogDir()), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(precious, m.Home.LogDir()); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(precious, s.Home(name(t, "linked")).Dir); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), m.Home.Name); err != nil {
		t.Error(err)
	}
	if err := s.Delete(t.Context(), name(t, "linked")); err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Error(err)
	}
	if slurp(t, filepath.Join(precious, "SOUL.md")) != "keep" {
		t.Error("gone")
	}
}

func TestADeleteThatWasInterruptedIsFinishedAtTheNext(t *testing.T) {
	s := NewStore(t.TempDir())
	m := mustCreate(t, s, "coder", nil)
	put(t, filepath.Join(m.Home.LogDir(), "current"), "log")
	if err := s.setAside(t.Context(), m.Home.Name); err != nil { // and then the power fails
		t.Fatal(err)
	}
	if entries, err := s.List(); err != nil || len(entries) != 1 {
		t.Errorf("half a profile is listed: %v, %v", entries, err)
	}
	if !s.Leftovers(m.Home.Name) || s.Leftovers(name(t, "code")) {
		t.Error("leftovers")
	}
	if err := s.Delete(t.Context(), m.Home.Name); err != nil {
		t.Error(err)
	}
	var missing *NotFoundError
	if err := s.Delete(t.Context(), m.Home.Name); !errors.As(err, &missing) {
		t.Error(err)
	}
	if got := inProfiles(t, s); len(got) != 0 {
		t.Error(got)
	}
}

func TestARunningGatewayIsNotDeletedFromUnderItsFeet(t *testing.T) {
	s := NewStore(t.TempDir())
	m := mustCreate(t, s, "coder", nil)
	lock, err := m.Home.Files().TryLock(LockName)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var running *RunningError
	if err := s.Delete(ctx, m.Home.Name); !errors.As(err, &running) {
		t.Error(err)
	}
	if _, _, err := OwnPort(m.Home, env()); err != nil {
		t.Error(err)
	}
}

// What H#97897 was about: a gateway that still writes brings the profile back.
func TestAWriterDoesNotBringADeletedProfileBack(t *testing.T) {
	s := NewStore(t.TempDir())
	for range 20 {
		m := mustCreate(t, s, "coder", nil)
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						_ = UpdateState(t.Context(), m.Home, func(st *State) error { st.Gateway = StateRunning; return nil })
						_, _ = s.AssignPort(t.Context(), m.Home, env())
					}
				}
			})
		}
		err := s.Delete(t.Context(), m.Home.Name)
		close(stop)
		wg.Wait()
		if err != nil {
			// A file made between the listing and the removal of a directory: the next call finishes.
			err = s.Delete(t.Context(), m.Home.Name)
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := inProfiles(t, s); len(got) != 0 {
			t.Fatal(got)
		}
	}
}

func TestSweepLeavesWhatSomebodyIsMaking(t *testing.T) {
	s := NewStore(t.TempDir())
	st, err := s.stage()
	if err != nil {
		t.Fatal(err)
	}
	defer st.discard()
	put(t, filepath.Join(s.profiles().Path("."), ".staging-dead", "SOUL.md"), "x")
	put(t, filepath.Join(s.profiles().Path("."), ".deleted-x.00", "SOUL.md"), "x")
	s.Sweep()
	if got := inProfiles(t, s); !slices.Equal(got, []string{st.name}) {
		t.Error(got)
	}
}

func TestRenameKeepsPortKeyLogsAndChoice(t *testing.T) {
	s := NewStore(t.TempDir())
	old := outside(t, s, "coder", "API_SERVER_KEY=k\n", "") // it never ran: its port is that of its name
	put(t, filepath.Join(old.LogDir(), "current"), "log")
	putState(t, old, `{"gateway_state":"running","hermes_home":"`+filepath.ToSlash(old.Dir)+`","other":1}`)
	if err := s.SetActive(old.Name); err != nil {
		t.Fatal(err)
	}
	h, err := s.Rename(t.Context(), old.Name, name(t, "reviewer"), env())
	if err != nil {
		t.Fatal(err)
	}
	if port, _, err := OwnPort(h, env()); err != nil || port != DerivedPort(old.Name) {
		t.Error(port, err)
	}
	if slurp(t, filepath.Join(h.LogDir(), "current")) != "log" {
		t.Error("logs")
	}
	if n, ok, err := s.Active(); err != nil || !ok || n != h.Name {
		t.Error(n, ok, err)
	}
	if st, err := ReadState(h); err != nil || st.HermesHome != h.Dir || st.Gateway != StateRunning || !strings.Contains(slurp(t, h.StateFile()), `"other"`) {
		t.Errorf("%+v %v", st, err)
	}
	var missing *NotFoundError
	if _, err := s.Get(old.Name); !errors.As(err, &missing) {
		t.Error(err)
	}
}

func TestRenameRefuses(t *testing.T) {
	s := NewStore(t.TempDir())
	a := mustCreate(t, s, "a", nil).Home
	b := mustCreate(t, s, "b", nil).Home
	before := slurp(t, b.Env())
	var exists *ExistsError
	if _, err := s.Rename(t.Context(), a.Name, b.Name, env()); !errors.As(err, &exists) {
		t.Error(err)
	}
	var missing *NotFoundError
	if _, err := s.Rename(t.Context(), name(t, "nope"), name(t, "c"), env()); !errors.As(err, &missing) {
		t.Error(err)
	}
	var root *RootProfileError
	for _, pair := range [][2]Name{{Default(), name(t, "c")}, {a.Name, Default()}} {
		if _, err := s.Rename(t.Context(), pair[0], pair[1], env()); !errors.As(err, &root) {
			t.Error(err)
		}
	}
	lock, err := a.Files().TryLock(LockName)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var running *RunningError
	if _, err := s.Rename(ctx, a.Name, name(t, "c"), env()); !errors.As(err, &running) {
		t.Error(err)
	}
	if slurp(t, b.Env()) != before || !slices.Equal(inProfiles(t, s), []string{"a", "b"}) {
		t.Error(inProfiles(t, s))
	}
}

func TestAChosenProfileThatIsGoneIsNeverReplacedInSilence(t *testing.T) {
	s := NewStore(t.TempDir())
	check := func(want string, ok bool) {
		t.Helper()
		n, err := s.ActiveOrDefault()
		if (err == nil) != ok || ok && n.String() != want {
			t.Errorf("%s, %v; want %s", n, err, want)
		}
	}
	check("default", true)
	var missing *NotFoundError
	if err := s.SetActive(name(t, "coder")); !errors.As(err, &missing) {
		t.Error(err)
	}
	m := mustCreate(t, s, "coder", nil)
	if err := s.SetActive(m.Home.Name); err != nil {
		t.Fatal(err)
	}
	check("coder", true)
	if err := s.Delete(t.Context(), m.Home.Name); err != nil {
		t.Fatal(err)
	}
	check("", false)
	if _, err := s.ActiveOrDefault(); !strings.Contains(err.Error(), "hermes profile use --clear") {
		t.Error(err)
	}
	if err := s.SetActive(Default()); err != nil {
		t.Fatal(err)
	}
	check("default", true)
	put(t, s.files.Path(activeName), "../x\n")
	check("", false)
	if err := s.ClearActive(); err != nil {
		t.Fatal(err)
	}
	check("default", true)
}

// TestAHomeThatIsMadeOnTheWayIsItsOwnersAlone: whoever makes it, by whatever command.
func TestAHomeThatIsMadeOnTheWayIsItsOwnersAlone(t *testing.T) {
	for what, makes := range map[string]func(s *Store) error{
		"create": func(s *Store) error { _, err := s.Create(t.Context(), name(t, "coder"), nil, env()); return err },
		"seed":   func(s *Store) error { _, err := s.Seed(Default()); return err },
		"logs":   func(s *Store) error { return s.Files().MkdirAll("logs", 0o755) },
	} {
		root := filepath.Join(t.TempDir(), "home")
		if err := makes(NewStore(root)); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(root); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
			t.Errorf("%s makes it %v, %v", what, info.Mode(), err)
		}
	}
}
