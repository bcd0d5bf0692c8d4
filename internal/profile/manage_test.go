package profile_test

import (
	"context"
	"errors"
	"hermes/internal/profile"
	"hermes/internal/profile/ports"
	"hermes/internal/profile/profiletest"
	"hermes/internal/profile/provision"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func mustCreate(t testing.TB, s *profile.Store, label string, from *profile.Home) provision.Made {
	t.Helper()
	m, err := provision.Create(t.Context(), s, profiletest.Name(t, label), from, profiletest.Getenv())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestDeleteTwiceSaysNoSuchProfile(t *testing.T) {
	s := profile.NewStore(t.TempDir())
	m := mustCreate(t, s, "coder", nil)
	other := mustCreate(t, s, "coder-2", nil)
	profiletest.Put(t, filepath.Join(m.Home.LogDir(), "current"), "log")
	profiletest.Put(t, filepath.Join(other.Home.LogDir(), "current"), "log")
	if err := s.Delete(t.Context(), m.Home.Name); err != nil {
		t.Fatal(err)
	}
	var missing *profile.NotFoundError
	if err := s.Delete(t.Context(), m.Home.Name); !errors.As(err, &missing) {
		t.Error(err)
	}
	if got := profiletest.Entries(t, s); !slices.Equal(got, []string{"coder-2"}) {
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
	s := profile.NewStore(t.TempDir())
	if _, err := provision.Seed(t.Context(), s, profile.Default()); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), profile.Default()); err == nil || !strings.Contains(err.Error(), "cannot touch the root profile") {
		t.Error(err)
	}
	if _, err := os.Stat(s.Home(profile.Default()).Soul()); err != nil {
		t.Error(err)
	}
}

func TestDeleteFollowsNoLink(t *testing.T) {
	s := profile.NewStore(t.TempDir())
	precious := t.TempDir()
	profiletest.Put(t, filepath.Join(precious, "SOUL.md"), "keep")
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
	if err := os.Symlink(precious, s.Home(profiletest.Name(t, "linked")).Dir); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), m.Home.Name); err != nil {
		t.Error(err)
	}
	if err := s.Delete(t.Context(), profiletest.Name(t, "linked")); err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Error(err)
	}
	if profiletest.Read(t, filepath.Join(precious, "SOUL.md")) != "keep" {
		t.Error("gone")
	}
}

func TestADeleteThatWasInterruptedIsFinishedAtTheNext(t *testing.T) {
	s := profile.NewStore(t.TempDir())
	m := mustCreate(t, s, "coder", nil)
	profiletest.Put(t, filepath.Join(m.Home.LogDir(), "current"), "log")
	if err := profile.SetAside(s, t.Context(), m.Home.Name); err != nil { // as if the machine lost power after this step
		t.Fatal(err)
	}
	if entries, err := s.List(); err != nil || len(entries) != 1 {
		t.Errorf("half a profile is listed: %v, %v", entries, err)
	}
	if !s.Leftovers(m.Home.Name) || s.Leftovers(profiletest.Name(t, "code")) {
		t.Error("leftovers")
	}
	if err := s.Delete(t.Context(), m.Home.Name); err != nil {
		t.Error(err)
	}
	var missing *profile.NotFoundError
	if err := s.Delete(t.Context(), m.Home.Name); !errors.As(err, &missing) {
		t.Error(err)
	}
	if got := profiletest.Entries(t, s); len(got) != 0 {
		t.Error(got)
	}
}

func TestARunningGatewayIsNotDeletedFromUnderItsFeet(t *testing.T) {
	s := profile.NewStore(t.TempDir())
	m := mustCreate(t, s, "coder", nil)
	lock, err := m.Home.Files().TryLock(profile.LockName)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var running *profile.RunningError
	if err := s.Delete(ctx, m.Home.Name); !errors.As(err, &running) {
		t.Error(err)
	}
	if _, _, err := ports.Own(m.Home, profiletest.Getenv()); err != nil {
		t.Error(err)
	}
}

// TestAWriterDoesNotBringADeletedProfileBack: a gateway that still writes while its profile is deleted must not make the directory
// again (H#97897).
func TestAWriterDoesNotBringADeletedProfileBack(t *testing.T) {
	s := profile.NewStore(t.TempDir())
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
						_ = profile.UpdateState(t.Context(), m.Home, func(st *profile.State) error { st.Gateway = profile.StateRunning; return nil })
						_, _ = ports.Assign(t.Context(), s, m.Home, profiletest.Getenv())
					}
				}
			})
		}
		err := s.Delete(t.Context(), m.Home.Name)
		close(stop)
		wg.Wait()
		if err != nil {
			// The writer made a file between the listing and the removal of a directory. The next call removes the rest.
			err = s.Delete(t.Context(), m.Home.Name)
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := profiletest.Entries(t, s); len(got) != 0 {
			t.Fatal(got)
		}
	}
}

func TestSweepLeavesWhatSomebodyIsMaking(t *testing.T) {
	s := profile.NewStore(t.TempDir())
	st, err := s.Stage()
	if err != nil {
		t.Fatal(err)
	}
	defer st.Discard()
	profiletest.Put(t, filepath.Join(s.Files().Path("profiles"), ".staging-dead", "SOUL.md"), "x")
	profiletest.Put(t, filepath.Join(s.Files().Path("profiles"), ".deleted-x.00", "SOUL.md"), "x")
	s.Sweep()
	if got := profiletest.Entries(t, s); !slices.Equal(got, []string{filepath.Base(st.Files.Path("."))}) {
		t.Error(got)
	}
}

func TestAChosenProfileThatIsGoneIsNeverReplacedInSilence(t *testing.T) {
	s := profile.NewStore(t.TempDir())
	check := func(want string, ok bool) {
		t.Helper()
		n, err := s.ActiveOrDefault()
		if (err == nil) != ok || ok && n.String() != want {
			t.Errorf("%s, %v; want %s", n, err, want)
		}
	}
	check("default", true)
	var missing *profile.NotFoundError
	if err := s.SetActive(profiletest.Name(t, "coder")); !errors.As(err, &missing) {
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
	if err := s.SetActive(profile.Default()); err != nil {
		t.Fatal(err)
	}
	check("default", true)
	profiletest.Put(t, s.Files().Path(profile.ActiveName), "../x\n")
	check("", false)
	if err := s.ClearActive(); err != nil {
		t.Fatal(err)
	}
	check("default", true)
}
