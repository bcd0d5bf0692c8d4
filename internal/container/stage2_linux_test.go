package container

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// TestAStopThatTakesTheTreeAwayIsWaitedFor: docker stop sends SIGTERM to stage 2 and then ends root's tree, and stage 2 may meet the missing
// tree before its context has ended. That is no failed boot.
func TestAStopThatTakesTheTreeAwayIsWaitedFor(t *testing.T) {
	bin := t.TempDir()
	// What the real one says and does when s6-svscan has ended.
	const gone = "#!/bin/sh\necho \"s6-svscanctl: fatal: unable to control $2: supervisor not listening\" >&2\nexit 100\n"
	if err := os.WriteFile(filepath.Join(bin, "s6-svscanctl"), []byte(gone), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	l := Layout{t.TempDir()}
	for _, dir := range []string{l.TreeDir(), filepath.Dir(l.userTreeReady())} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(l.userTreeReady(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var seen atomic.Bool
	time.AfterFunc(300*time.Millisecond, func() { seen.Store(true); cancel() }) // the signal arrives late
	err := l.startUserTree(ctx, User{UID: os.Getuid(), GID: os.Getgid(), Home: t.TempDir()}, true)
	if err == nil || !seen.Load() || !errors.Is(ctx.Err(), context.Canceled) {
		t.Errorf("it did not wait for the signal: %v", err)
	}
}
