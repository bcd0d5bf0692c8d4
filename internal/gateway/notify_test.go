//go:build linux

package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// notifySocket is the socket of a service manager. hear returns what it is told next.
func notifySocket(t *testing.T) (path string, hear func() string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify-") // t.TempDir() may be too long for a socket's path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path = filepath.Join(dir, "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return path, func() string {
		t.Helper()
		buf := make([]byte, 64)
		if err := c.SetReadDeadline(time.Now().Add(deadline)); err != nil {
			t.Fatal(err)
		}
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
}

func TestTheServiceManagerIsTold(t *testing.T) {
	path, hear := notifySocket(t)
	g := &gateway{o: Options{NotifySocket: path}, log: slog.New(slog.DiscardHandler)}
	for _, state := range []string{"READY=1", "STOPPING=1"} {
		g.notify(state)
		if heard := hear(); heard != state {
			t.Errorf("it heard %q, want %q", heard, state)
		}
	}
	g.o.NotifySocket = filepath.Join(filepath.Dir(path), "nobody")
	g.notify("READY=1") // nobody listens: the gateway must go on
}

// TestAGatewayThatIsWellAgainSaysSo: the manager forgets its failures then.
func TestAGatewayThatIsWellAgainSaysSo(t *testing.T) {
	w := newWorld(t, "")
	path, hear := notifySocket(t)
	ctx, cancel := context.WithCancel(t.Context())
	o := Options{Home: w.home, Getenv: func(string) string { return "" }, Log: slog.New(slog.DiscardHandler), NotifySocket: path, Healthy: time.Millisecond}
	done := make(chan error)
	go func() { done <- Run(ctx, o) }()
	for _, state := range []string{"READY=1", "RESTART_RESET=1"} {
		if heard := hear(); heard != state {
			t.Errorf("it heard %q, want %q", heard, state)
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if heard := hear(); heard != "STOPPING=1" {
		t.Errorf("it heard %q in the end", heard)
	}
}
