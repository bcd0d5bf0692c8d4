package profile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"hermes/internal/volume"
)

func name(t testing.TB, s string) Name {
	t.Helper()
	n, err := ParseName(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// outside makes a profile the way somebody does who knows none of our commands.
func outside(t testing.TB, s *Store, label, envText, config string) Home {
	t.Helper()
	h := s.Home(name(t, label))
	if err := os.MkdirAll(h.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, h.Soul(), "x")
	if envText != "" {
		put(t, h.Env(), envText)
	}
	if config != "" {
		put(t, h.Config(), config)
	}
	return h
}

func put(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func slurp(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func mustPort(t testing.TB, s *Store, h Home) int {
	t.Helper()
	port, err := s.AssignPort(t.Context(), h, env())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestAPortIsWrittenDownOnceAndNeverMoves(t *testing.T) {
	s := NewStore(t.TempDir())
	before := "# mine\nAPI_SERVER_KEY=k # really\n\nQUOTED=\"a\nb\""
	h := outside(t, s, "coder", before, "model:\n  provider: echo\n")
	want := DerivedPort(h.Name)
	if got := mustPort(t, s, h); got != want {
		t.Errorf("port %d, want the derived %d", got, want)
	}
	if got := slurp(t, h.Env()); got != before+"\nAPI_SERVER_PORT="+strconv.Itoa(want)+"\n" {
		t.Errorf("%q", got)
	}
	if info, err := os.Stat(h.Env()); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	// Somebody else takes the same: it was here first.
	outside(t, s, "rival", "API_SERVER_PORT="+strconv.Itoa(want)+"\n", "")
	if got := mustPort(t, s, h); got != want {
		t.Errorf("moved to %d", got)
	}
}

func TestAPortThatAnotherProfileOwnsIsPassedOver(t *testing.T) {
	n := name(t, "coder")
	derived := DerivedPort(n)
	for _, c := range []struct {
		what  string
		setup func(*testing.T, *Store)
		vars  []string
		want  int
	}{
		{"in .env", func(t *testing.T, s *Store) { outside(t, s, "a", fmt.Sprintf("API_SERVER_PORT=%d\n", derived), "") }, nil, derived + 1},
		{"in config.yaml", func(t *testing.T, s *Store) { outside(t, s, "a", "", fmt.Sprintf("api_server: {port: %d}\n", derived)) }, nil, derived + 1},
		{"two in a row", func(t *testing.T, s *Store) {
			outside(t, s, "a", fmt.Sprintf("API_SERVER_PORT=%d\n", derived), "")
			outside(t, s, "z", fmt.Sprintf("API_SERVER_PORT=%d\n", derived+1), "")
		}, nil, derived + 2},
		{"default's own", func(t *testing.T, s *Store) {
			put(t, s.Home(Default()).Env(), fmt.Sprintf("API_SERVER_PORT=%d\n", derived))
		}, nil, derived + 1},
		{"the container's, which is default's", func(*testing.T, *Store) {}, []string{fmt.Sprintf("API_SERVER_PORT=%d", derived)}, derived + 1},
		{"nobody's", func(*testing.T, *Store) {}, []string{"API_SERVER_PORT=9999"}, derived},
		{"one with no port yet owns nothing", func(t *testing.T, s *Store) { outside(t, s, "a", "", "") }, nil, derived},
		{"one that cannot be read owns nothing", func(t *testing.T, s *Store) {
			outside(t, s, "a", fmt.Sprintf("API_SERVER_PORT=%d\nwrong line\n", derived), "")
		}, nil, derived},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := NewStore(t.TempDir())
			h := outside(t, s, "coder", "", "")
			c.setup(t, s)
			if got, err := s.AssignPort(t.Context(), h, env(c.vars...)); err != nil || got != c.want {
				t.Errorf("got %d, %v; want %d", got, err, c.want)
			}
		})
	}
}

func TestTheContainersPortReachesOnlyDefault(t *testing.T) {
	s := NewStore(t.TempDir())
	h := outside(t, s, "coder", "", "")
	vars := env("API_SERVER_PORT=7000")
	if got, err := s.AssignPort(t.Context(), h, vars); err != nil || got != DerivedPort(h.Name) {
		t.Error(got, err)
	}
	if got, err := s.AssignPort(t.Context(), s.Home(Default()), vars); err != nil || got != 7000 {
		t.Error(got, err)
	}
	if _, err := os.Stat(s.Home(Default()).Env()); !errors.Is(err, os.ErrNotExist) {
		t.Error("default's port was written down")
	}
}

func TestExplicitPortsStayAndAConflictIsNamed(t *testing.T) {
	s := NewStore(t.TempDir())
	a := outside(t, s, "a", "API_SERVER_PORT=9300\n", "")
	b := outside(t, s, "b", "", "api_server:\n  port: 9300\n")
	all, err := s.AssignPorts(t.Context(), env(), AssignOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := all[a.Name]; got != (Assignment{Port: 9300}) {
		t.Errorf("%+v", got)
	}
	if got := all[b.Name]; got != (Assignment{Port: 9300, Shared: "a"}) {
		t.Errorf("%+v", got)
	}
	if slurp(t, a.Env()) != "API_SERVER_PORT=9300\n" || slurp(t, b.Config()) != "api_server:\n  port: 9300\n" {
		t.Error("something was rewritten")
	}
}

func TestTheSearchForAPortGoesRoundAndEnds(t *testing.T) {
	n := name(t, "coder")
	owner := map[int]string{}
	for p := DerivedPort(n); p < EndPort; p++ {
		owner[p] = "x"
	}
	if got := freePort(n, owner); got != FirstPort {
		t.Errorf("got %d, want %d", got, FirstPort)
	}
	for p := FirstPort; p < EndPort; p++ {
		owner[p] = "x"
	}
	if got := freePort(n, owner); got != 0 {
		t.Errorf("got %d", got)
	}
}

func TestWithoutAFreePortTheErrorSaysWhatToWrite(t *testing.T) {
	s := NewStore(t.TempDir())
	for p := FirstPort; p < EndPort; p++ {
		outside(t, s, fmt.Sprintf("p%d", p), fmt.Sprintf("API_SERVER_PORT=%d\n", p), "")
	}
	h := outside(t, s, "late", "", "")
	_, err := s.AssignPort(t.Context(), h, env())
	var wrong *ConfigError
	if !errors.As(err, &wrong) || wrong.File != h.Env() || !strings.Contains(err.Error(), "other profiles own all ports from 9200 to 9799") {
		t.Error(err)
	}
	all, err := s.AssignPorts(t.Context(), env(), AssignOptions{})
	if err != nil || all[h.Name].Err == nil || len(all) != 602 {
		t.Error(err, len(all))
	}
}

func TestAFileThatIsNotOursIsNotWritten(t *testing.T) {
	s := NewStore(t.TempDir())
	target := filepath.Join(t.TempDir(), "target")
	put(t, target, "A=1\n")
	h := outside(t, s, "linked", "", "")
	if err := os.Symlink(target, h.Env()); err != nil {
		t.Skip(err)
	}
	wrong := outside(t, s, "wrong", "no such form\n", "")
	for _, h := range []Home{h, wrong} {
		var config *ConfigError
		if _, err := s.AssignPort(t.Context(), h, env()); !errors.As(err, &config) {
			t.Errorf("%s: %v", h.Name, err)
		}
	}
	if slurp(t, target) != "A=1\n" || slurp(t, wrong.Env()) != "no such form\n" {
		t.Error("written")
	}
}

func TestAVolumeThatCannotBeLockedIsAnError(t *testing.T) {
	s := NewStore(t.TempDir())
	h := outside(t, s, "coder", "", "")
	if err := os.Mkdir(s.files.Path(portsLockName), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := s.AssignPort(t.Context(), h, env()); !errors.Is(err, volume.ErrNotRegular) {
		t.Error(err)
	}
}

// TestPortOfAnotherProcess is the other process of the test below.
// assignPorts is what another process does in TestManyThatStartAtOnceGetDifferentPorts.
func assignPorts(root, label string) error {
	s := NewStore(root)
	for i := range 4 {
		n, err := ParseName(fmt.Sprintf("%s-%d", label, i))
		if err != nil {
			return err
		}
		if _, err := s.AssignPort(context.Background(), s.Home(n), env()); err != nil {
			return err
		}
	}
	return nil
}

func TestManyThatStartAtOnceGetDifferentPorts(t *testing.T) {
	s := NewStore(t.TempDir())
	const processes, goroutines = 4, 12
	var homes []Home
	for p := range processes {
		for i := range 4 {
			homes = append(homes, outside(t, s, fmt.Sprintf("p%d-%d", p, i), "", ""))
		}
	}
	for i := range goroutines {
		homes = append(homes, outside(t, s, fmt.Sprintf("g%d", i), "", ""))
	}
	results := make(chan error)
	for p := range processes {
		go func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), "HERMES_TEST_PORT_ROOT="+s.Root(), fmt.Sprintf("HERMES_TEST_PORT_NAME=p%d", p))
			out, err := cmd.CombinedOutput()
			if err != nil {
				err = fmt.Errorf("%w: %s", err, out)
			}
			results <- err
		}()
	}
	for i := range goroutines {
		go func() {
			_, err := s.AssignPort(t.Context(), s.Home(name(t, fmt.Sprintf("g%d", i))), env())
			results <- err
		}()
	}
	for range processes + goroutines {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	owner := map[int]Name{}
	for _, h := range homes {
		port, origin, err := OwnPort(h, env())
		if err != nil || origin != h.Env() {
			t.Errorf("%s: %d from %q, %v", h.Name, port, origin, err)
		}
		if other, taken := owner[port]; taken {
			t.Errorf("%s and %s have port %d", other, h.Name, port)
		}
		owner[port] = h.Name
	}
}

func TestSetEnvKeepsEverythingElse(t *testing.T) {
	for _, c := range []struct{ before, after string }{
		{"", "P=1\n"},
		{"A=2", "A=2\nP=1\n"},
		{"# c\nP=\nB=3\n", "# c\nP=1\nB=3\n"},
		{"P= # why\r\nB=3\r\n", "P=1 # why\r\nB=3\r\n"},
		{"export P=7\n", "P=1\n"},
		{"A='x\nP=5\ny'\n", "A='x\nP=5\ny'\nP=1\n"}, // inside of a value
		{"XP=4\n#P=3\n", "XP=4\n#P=3\nP=1\n"},
		{"P=5\nP=6\n", "P=1\nP=1\n"},
	} {
		got, err := setEnv("f", []byte(c.before), "P", "1", "1")
		if err != nil || string(got) != c.after {
			t.Errorf("%q became %q, %v; want %q", c.before, got, err, c.after)
		}
	}
	if _, err := setEnv("f", []byte("A=1\nnonsense\n"), "P", "1", "1"); err == nil {
		t.Error("accepted")
	}
}

// A boot assigns a thousand ports, and finds them written down at the next. Only 600 are derived; the others are explicit.
func BenchmarkAssignPortsOfAThousandProfiles(b *testing.B) {
	s := NewStore(b.TempDir())
	for i := range 1000 {
		text := "API_SERVER_KEY=" + NewAPIKey() + "\n"
		if i >= 500 {
			text += fmt.Sprintf("API_SERVER_PORT=%d\n", 10000+i)
		}
		outside(b, s, fmt.Sprintf("p%d", i), text, "model:\n  provider: echo\ngateway:\n  drain_timeout: 5s\n")
	}
	if all, err := s.AssignPorts(b.Context(), env(), AssignOptions{}); err != nil || len(all) != 1001 {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.AssignPorts(b.Context(), env(), AssignOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
