package ports

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

	"go.uber.org/goleak"

	"hermes/internal/profile"
	"hermes/internal/profile/profiletest"
	"hermes/internal/volume"
)

func mustPort(t testing.TB, s *profile.Store, h profile.Home) int {
	t.Helper()
	port, err := Assign(t.Context(), s, h, profiletest.Getenv())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// TestMain runs the tests or, if the variable is set, assigns ports as the other process of a test.
func TestMain(m *testing.M) {
	if root := os.Getenv("HERMES_TEST_PORT_ROOT"); root != "" {
		if err := assignPorts(root, os.Getenv("HERMES_TEST_PORT_NAME")); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func TestAPortIsWrittenDownOnceAndNeverMoves(t *testing.T) {
	s := profile.NewStore(t.TempDir())
	before := "# mine\nAPI_SERVER_KEY=k # really\n\nQUOTED=\"a\nb\""
	h := profiletest.Outside(t, s, "coder", before, "model:\n  provider: echo\n")
	want := Derived(h.Name)
	if got := mustPort(t, s, h); got != want {
		t.Errorf("port %d, want the derived %d", got, want)
	}
	if got := profiletest.Read(t, h.Env()); got != before+"\nAPI_SERVER_PORT="+strconv.Itoa(want)+"\n" {
		t.Errorf("%q", got)
	}
	if info, err := os.Stat(h.Env()); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	// Another profile now names the same port. The first one keeps it.
	profiletest.Outside(t, s, "rival", "API_SERVER_PORT="+strconv.Itoa(want)+"\n", "")
	if got := mustPort(t, s, h); got != want {
		t.Errorf("moved to %d", got)
	}
}

func TestAPortThatAnotherProfileOwnsIsPassedOver(t *testing.T) {
	n := profiletest.Name(t, "coder")
	derived := Derived(n)
	for _, c := range []struct {
		what  string
		setup func(*testing.T, *profile.Store)
		vars  []string
		want  int
	}{
		{"in .env", func(t *testing.T, s *profile.Store) {
			profiletest.Outside(t, s, "a", fmt.Sprintf("API_SERVER_PORT=%d\n", derived), "")
		}, nil, derived + 1},
		{"in config.yaml", func(t *testing.T, s *profile.Store) {
			profiletest.Outside(t, s, "a", "", fmt.Sprintf("api_server: {port: %d}\n", derived))
		}, nil, derived + 1},
		{"two in a row", func(t *testing.T, s *profile.Store) {
			profiletest.Outside(t, s, "a", fmt.Sprintf("API_SERVER_PORT=%d\n", derived), "")
			profiletest.Outside(t, s, "z", fmt.Sprintf("API_SERVER_PORT=%d\n", derived+1), "")
		}, nil, derived + 2},
		{"default's own", func(t *testing.T, s *profile.Store) {
			profiletest.Put(t, s.Home(profile.Default()).Env(), fmt.Sprintf("API_SERVER_PORT=%d\n", derived))
		}, nil, derived + 1},
		{"the container's, which is default's", func(*testing.T, *profile.Store) {}, []string{fmt.Sprintf("API_SERVER_PORT=%d", derived)}, derived + 1},
		{"nobody's", func(*testing.T, *profile.Store) {}, []string{"API_SERVER_PORT=9999"}, derived},
		{"one with no port yet owns nothing", func(t *testing.T, s *profile.Store) { profiletest.Outside(t, s, "a", "", "") }, nil, derived},
		{"one that cannot be read owns nothing", func(t *testing.T, s *profile.Store) {
			profiletest.Outside(t, s, "a", fmt.Sprintf("API_SERVER_PORT=%d\nwrong line\n", derived), "")
		}, nil, derived},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := profile.NewStore(t.TempDir())
			h := profiletest.Outside(t, s, "coder", "", "")
			c.setup(t, s)
			if got, err := Assign(t.Context(), s, h, profiletest.Getenv(c.vars...)); err != nil || got != c.want {
				t.Errorf("got %d, %v; want %d", got, err, c.want)
			}
		})
	}
}

func TestTheContainersPortReachesOnlyDefault(t *testing.T) {
	s := profile.NewStore(t.TempDir())
	h := profiletest.Outside(t, s, "coder", "", "")
	vars := profiletest.Getenv("API_SERVER_PORT=7000")
	if got, err := Assign(t.Context(), s, h, vars); err != nil || got != Derived(h.Name) {
		t.Error(got, err)
	}
	if got, err := Assign(t.Context(), s, s.Home(profile.Default()), vars); err != nil || got != 7000 {
		t.Error(got, err)
	}
	if _, err := os.Stat(s.Home(profile.Default()).Env()); !errors.Is(err, os.ErrNotExist) {
		t.Error("default's port was written down")
	}
}

func TestExplicitPortsStayAndAConflictIsNamed(t *testing.T) {
	s := profile.NewStore(t.TempDir())
	a := profiletest.Outside(t, s, "a", "API_SERVER_PORT=9300\n", "")
	b := profiletest.Outside(t, s, "b", "", "api_server:\n  port: 9300\n")
	all, err := AssignAll(t.Context(), s, profiletest.Getenv(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := all[a.Name]; got != (Assignment{Port: 9300}) {
		t.Errorf("%+v", got)
	}
	if got := all[b.Name]; got != (Assignment{Port: 9300, Shared: "a"}) {
		t.Errorf("%+v", got)
	}
	if profiletest.Read(t, a.Env()) != "API_SERVER_PORT=9300\n" || profiletest.Read(t, b.Config()) != "api_server:\n  port: 9300\n" {
		t.Error("something was rewritten")
	}
}

func TestTheSearchForAPortGoesRoundAndEnds(t *testing.T) {
	n := profiletest.Name(t, "coder")
	owner := map[int]string{}
	for p := Derived(n); p < End; p++ {
		owner[p] = "x"
	}
	if got := freePort(n, owner); got != First {
		t.Errorf("got %d, want %d", got, First)
	}
	for p := First; p < End; p++ {
		owner[p] = "x"
	}
	if got := freePort(n, owner); got != 0 {
		t.Errorf("got %d", got)
	}
}

func TestWithoutAFreePortTheErrorSaysWhatToWrite(t *testing.T) {
	s := profile.NewStore(t.TempDir())
	for p := First; p < End; p++ {
		profiletest.Outside(t, s, fmt.Sprintf("p%d", p), fmt.Sprintf("API_SERVER_PORT=%d\n", p), "")
	}
	h := profiletest.Outside(t, s, "late", "", "")
	_, err := Assign(t.Context(), s, h, profiletest.Getenv())
	var wrong *profile.ConfigError
	if !errors.As(err, &wrong) || wrong.File != h.Env() || !strings.Contains(err.Error(), "other profiles own all ports from 9200 to 9799") {
		t.Error(err)
	}
	all, err := AssignAll(t.Context(), s, profiletest.Getenv(), Options{})
	if err != nil || all[h.Name].Err == nil || len(all) != 602 {
		t.Error(err, len(all))
	}
}

func TestAFileThatIsNotOursIsNotWritten(t *testing.T) {
	s := profile.NewStore(t.TempDir())
	target := filepath.Join(t.TempDir(), "target")
	profiletest.Put(t, target, "A=1\n")
	h := profiletest.Outside(t, s, "linked", "", "")
	if err := os.Symlink(target, h.Env()); err != nil {
		t.Skip(err)
	}
	wrong := profiletest.Outside(t, s, "wrong", "no such form\n", "")
	for _, h := range []profile.Home{h, wrong} {
		var config *profile.ConfigError
		if _, err := Assign(t.Context(), s, h, profiletest.Getenv()); !errors.As(err, &config) {
			t.Errorf("%s: %v", h.Name, err)
		}
	}
	if profiletest.Read(t, target) != "A=1\n" || profiletest.Read(t, wrong.Env()) != "no such form\n" {
		t.Error("written")
	}
}

func TestAVolumeThatCannotBeLockedIsAnError(t *testing.T) {
	s := profile.NewStore(t.TempDir())
	h := profiletest.Outside(t, s, "coder", "", "")
	if err := os.Mkdir(s.Files().Path(portsLockName), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Assign(t.Context(), s, h, profiletest.Getenv()); !errors.Is(err, volume.ErrNotRegular) {
		t.Error(err)
	}
}

// assignPorts is what the other processes do in TestManyThatStartAtOnceGetDifferentPorts.
func assignPorts(root, label string) error {
	s := profile.NewStore(root)
	for i := range 4 {
		n, err := profile.ParseName(fmt.Sprintf("%s-%d", label, i))
		if err != nil {
			return err
		}
		if _, err := Assign(context.Background(), s, s.Home(n), profiletest.Getenv()); err != nil {
			return err
		}
	}
	return nil
}

func TestManyThatStartAtOnceGetDifferentPorts(t *testing.T) {
	s := profile.NewStore(t.TempDir())
	const processes, goroutines = 4, 12
	var homes []profile.Home
	for p := range processes {
		for i := range 4 {
			homes = append(homes, profiletest.Outside(t, s, fmt.Sprintf("p%d-%d", p, i), "", ""))
		}
	}
	for i := range goroutines {
		homes = append(homes, profiletest.Outside(t, s, fmt.Sprintf("g%d", i), "", ""))
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
			_, err := Assign(t.Context(), s, s.Home(profiletest.Name(t, fmt.Sprintf("g%d", i))), profiletest.Getenv())
			results <- err
		}()
	}
	for range processes + goroutines {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	owner := map[int]profile.Name{}
	for _, h := range homes {
		port, origin, err := Own(h, profiletest.Getenv())
		if err != nil || origin != h.Env() {
			t.Errorf("%s: %d from %q, %v", h.Name, port, origin, err)
		}
		if other, taken := owner[port]; taken {
			t.Errorf("%s and %s have port %d", other, h.Name, port)
		}
		owner[port] = h.Name
	}
}

// BenchmarkAssignPortsOfAThousandProfiles: a boot assigns a thousand ports, and the next boot reads them. Only 600 of them can be
// derived ports; the others are explicit.
func BenchmarkAssignPortsOfAThousandProfiles(b *testing.B) {
	s := profile.NewStore(b.TempDir())
	for i := range 1000 {
		text := "API_SERVER_KEY=" + "hk-0123456789abcdef0123456789abcdef" + "\n"
		if i >= 500 {
			text += fmt.Sprintf("API_SERVER_PORT=%d\n", 10000+i)
		}
		profiletest.Outside(b, s, fmt.Sprintf("p%d", i), text, "model:\n  provider: echo\ngateway:\n  drain_timeout: 5s\n")
	}
	if all, err := AssignAll(b.Context(), s, profiletest.Getenv(), Options{}); err != nil || len(all) != 1001 {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := AssignAll(b.Context(), s, profiletest.Getenv(), Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
