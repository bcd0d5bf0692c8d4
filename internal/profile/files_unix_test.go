//go:build unix

package profile_test

import (
	"fmt"
	"hermes/internal/profile"
	"hermes/internal/profile/config"
	"hermes/internal/profile/env"
	"hermes/internal/profile/profiletest"
	"strings"
	"testing"
)

func TestNoFileOfAProfileIsReadThroughALinkOrBlocks(t *testing.T) {
	for kind, make := range profile.MakeNasty {
		h := profiletest.Home(t)
		for _, path := range []string{h.StateFile(), h.Config(), h.Env(), h.PIDFile(), h.LockFile(), h.Soul()} {
			if err := make(path); err != nil {
				t.Fatal(err)
			}
		}
		for what, f := range map[string]func() error{
			"ReadState":  func() error { _, err := profile.ReadState(h); return err },
			"LoadConfig": func() error { _, err := config.Load(h); return err },
			"LoadEnv":    func() error { _, err := env.Load(h); return err },
			"check":      func() error { return profile.Check(h) },
		} {
			err := profile.AtOnce(t, what+" of a "+kind, f)
			if err == nil || !strings.Contains(err.Error(), h.Dir) || strings.Contains(err.Error(), "root:") {
				t.Errorf("%s of a %s: %v", what, kind, err)
			}
		}
		if err := profile.AtOnce(t, "RunningPID", func() error {
			if pid, running := profile.RunningPID(h); running {
				return fmt.Errorf("pid %d", pid)
			}
			return nil
		}); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
