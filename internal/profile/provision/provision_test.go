package provision

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

	"hermes/internal/profile"
	"hermes/internal/profile/contents"
	"hermes/internal/profile/env"
	"hermes/internal/profile/ports"
	"hermes/internal/profile/profiletest"
)

func mustCreate(t testing.TB, s *profile.Store, label string, from *profile.Home) Made {
	t.Helper()
	m, err := Create(t.Context(), s, profiletest.Name(t, label), from, profiletest.Getenv())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestCreateSeedsIdentityKeyAndPortAndNothingElse(t *testing.T) {
	s := profile.NewStore(t.TempDir())
	m := mustCreate(t, s, "coder", nil)
	if got := profiletest.Files(t, m.Home.Dir); !slices.Equal(got, []string{".env", "SOUL.md"}) {
		t.Error(got)
	}
	e, err := env.Load(m.Home)
	if err != nil || !strings.HasPrefix(e["API_SERVER_KEY"], "hk-") || e["API_SERVER_PORT"] != fmt.Sprint(ports.Derived(m.Home.Name)) {
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
	s := profile.NewStore(t.TempDir())
	m := mustCreate(t, s, "coder", nil)
	before := profiletest.Read(t, m.Home.Env())
	profiletest.Put(t, filepath.Join(s.Files().Path("profiles"), "notes", "x"), "mine")
	for label, isProfile := range map[string]bool{"coder": true, "notes": false, "default": true} {
		var exists *profile.ExistsError
		_, err := Create(t.Context(), s, profiletest.Name(t, label), nil, profiletest.Getenv())
		if !errors.As(err, &exists) || exists.Profile != isProfile {
			t.Errorf("%s: %v", label, err)
		}
	}
	if profiletest.Read(t, m.Home.Env()) != before {
		t.Error("rewritten")
	}
	if got := profiletest.Entries(t, s); !slices.Equal(got, []string{"coder", "notes"}) {
		t.Error(got)
	}
}

func TestOfManyThatCreateOneNameOneDoes(t *testing.T) {
	s := profile.NewStore(t.TempDir())
	var wg sync.WaitGroup
	var mu sync.Mutex
	made := 0
	for range 12 {
		wg.Go(func() {
			_, err := Create(t.Context(), s, profiletest.Name(t, "coder"), nil, profiletest.Getenv())
			var exists *profile.ExistsError
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
	if got := profiletest.Entries(t, s); made != 1 || !slices.Equal(got, []string{"coder"}) {
		t.Error(made, got)
	}
}

func TestACloneGetsIdentityAndConfigurationAndNothingElse(t *testing.T) {
	s := profile.NewStore(t.TempDir())
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
		profiletest.Put(t, filepath.Join(from.Dir, rel), content)
	}
	for _, rel := range lost {
		profiletest.Put(t, filepath.Join(from.Dir, rel), "LOST")
	}
	profiletest.Put(t, from.Config(), "# who\nmodel:\n  provider: echo\napi_server:\n  host: 127.0.0.1\n  port: 9444 # mine\n")
	profiletest.Put(t, from.Env(), "API_SERVER_KEY=old\nAPI_SERVER_PORT=9445\nOPENAI_API_KEY=LOST\n")
	if err := os.Symlink("/etc/passwd", filepath.Join(from.Dir, "link")); err != nil {
		t.Skip(err)
	}
	m := mustCreate(t, s, "twin", &from)
	want := []string{".env", "SOUL.md", "config.yaml", "notes.txt", "skills/a/SKILL.md", "skills/a/run.sh"}
	if got := profiletest.Files(t, m.Home.Dir); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for rel, content := range kept {
		if got := profiletest.Read(t, filepath.Join(m.Home.Dir, rel)); got != content {
			t.Errorf("%s: %q", rel, got)
		}
	}
	if got := profiletest.Read(t, m.Home.Config()); got != "# who\nmodel:\n  provider: echo\napi_server:\n  host: 127.0.0.1\n" {
		t.Errorf("%q", got)
	}
	e, err := env.Load(m.Home)
	if err != nil || e["API_SERVER_KEY"] == "old" || e["OPENAI_API_KEY"] != "" || m.Port != ports.Derived(m.Home.Name) {
		t.Error(e, m.Port, err)
	}
	for _, rel := range []string{"key.pem", "link", "secrets", "skills/a/.env", "x.log"} {
		if !slices.ContainsFunc(m.LeftOut, func(l contents.LeftOut) bool { return l.Name == rel }) {
			t.Errorf("%s is not named: %q", rel, m.LeftOut)
		}
	}
}

func TestACloneHasAPortOfItsOwnWhateverTheConfigLooksLike(t *testing.T) {
	s := profile.NewStore(t.TempDir())
	from := mustCreate(t, s, "coder", nil).Home
	profiletest.Put(t, from.Env(), "API_SERVER_KEY=k\n")
	profiletest.Put(t, from.Config(), "api_server: {port: 9444, host: 127.0.0.1}\n")
	m := mustCreate(t, s, "twin", &from)
	if port, origin, err := ports.Own(m.Home, profiletest.Getenv()); err != nil || port == 9444 || port != m.Port || origin != m.Home.Env() {
		t.Error(port, origin, err)
	}
}

func TestTheDefaultProfileIsClonedWithoutTheOthers(t *testing.T) {
	s := profile.NewStore(t.TempDir())
	d, err := Seed(t.Context(), s, profile.Default())
	if err != nil {
		t.Fatal(err)
	}
	mustCreate(t, s, "coder", nil)
	profiletest.Put(t, filepath.Join(s.Root(), "logs", "container-boot.log"), "x")
	m := mustCreate(t, s, "twin", &d)
	if got := profiletest.Files(t, m.Home.Dir); !slices.Equal(got, []string{".env", "SOUL.md"}) {
		t.Error(got)
	}
}

func TestRenameKeepsPortKeyLogsAndChoice(t *testing.T) {
	s := profile.NewStore(t.TempDir())
	old := profiletest.Outside(t, s, "coder", "API_SERVER_KEY=k\n", "") // no port is written yet, so it has that of its name
	profiletest.Put(t, filepath.Join(old.LogDir(), "current"), "log")
	profiletest.Put(t, old.StateFile(), `{"gateway_state":"running","hermes_home":"`+filepath.ToSlash(old.Dir)+`","other":1}`)
	if err := s.SetActive(old.Name); err != nil {
		t.Fatal(err)
	}
	h, err := Rename(t.Context(), s, old.Name, profiletest.Name(t, "reviewer"), profiletest.Getenv())
	if err != nil {
		t.Fatal(err)
	}
	if port, _, err := ports.Own(h, profiletest.Getenv()); err != nil || port != ports.Derived(old.Name) {
		t.Error(port, err)
	}
	if profiletest.Read(t, filepath.Join(h.LogDir(), "current")) != "log" {
		t.Error("logs")
	}
	if n, ok, err := s.Active(); err != nil || !ok || n != h.Name {
		t.Error(n, ok, err)
	}
	if st, err := profile.ReadState(h); err != nil || st.HermesHome != h.Dir || st.Gateway != profile.StateRunning || !strings.Contains(profiletest.Read(t, h.StateFile()), `"other"`) {
		t.Errorf("%+v %v", st, err)
	}
	var missing *profile.NotFoundError
	if _, err := s.Get(old.Name); !errors.As(err, &missing) {
		t.Error(err)
	}
}

func TestRenameRefuses(t *testing.T) {
	s := profile.NewStore(t.TempDir())
	a := mustCreate(t, s, "a", nil).Home
	b := mustCreate(t, s, "b", nil).Home
	before := profiletest.Read(t, b.Env())
	var exists *profile.ExistsError
	if _, err := Rename(t.Context(), s, a.Name, b.Name, profiletest.Getenv()); !errors.As(err, &exists) {
		t.Error(err)
	}
	var missing *profile.NotFoundError
	if _, err := Rename(t.Context(), s, profiletest.Name(t, "nope"), profiletest.Name(t, "c"), profiletest.Getenv()); !errors.As(err, &missing) {
		t.Error(err)
	}
	var root *profile.RootProfileError
	for _, pair := range [][2]profile.Name{{profile.Default(), profiletest.Name(t, "c")}, {a.Name, profile.Default()}} {
		if _, err := Rename(t.Context(), s, pair[0], pair[1], profiletest.Getenv()); !errors.As(err, &root) {
			t.Error(err)
		}
	}
	lock, err := a.Files().TryLock(profile.LockName)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var running *profile.RunningError
	if _, err := Rename(ctx, s, a.Name, profiletest.Name(t, "c"), profiletest.Getenv()); !errors.As(err, &running) {
		t.Error(err)
	}
	if profiletest.Read(t, b.Env()) != before || !slices.Equal(profiletest.Entries(t, s), []string{"a", "b"}) {
		t.Error(profiletest.Entries(t, s))
	}
}

// TestAHomeThatIsMadeOnTheWayIsItsOwnersAlone: only the owner can enter it, whichever command made it.
func TestAHomeThatIsMadeOnTheWayIsItsOwnersAlone(t *testing.T) {
	for what, makes := range map[string]func(s *profile.Store) error{
		"create": func(s *profile.Store) error {
			_, err := Create(t.Context(), s, profiletest.Name(t, "coder"), nil, profiletest.Getenv())
			return err
		},
		"seed": func(s *profile.Store) error { _, err := Seed(t.Context(), s, profile.Default()); return err },
		"logs": func(s *profile.Store) error { return s.Files().MkdirAll("logs", 0o755) },
	} {
		root := filepath.Join(t.TempDir(), "home")
		if err := makes(profile.NewStore(root)); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(root); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
			t.Errorf("%s makes it %v, %v", what, info.Mode(), err)
		}
	}
}
