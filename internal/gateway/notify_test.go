//go:build linux

package gateway

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestTheServiceManagerIsTold(t *testing.T) {
	dir, err := os.MkdirTemp("", "notify-") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	g := &gateway{o: Options{NotifySocket: path}, log: slog.New(slog.DiscardHandler)}
	for _, state := range []string{"READY=1", "STOPPING=1"} {
		g.notify(state)
		buf := make([]byte, 64)
		if err := c.SetReadDeadline(time.Now().Add(deadline)); err != nil {
			t.Fatal(err)
		}
		n, err := c.Read(buf)
		if err != nil || string(buf[:n]) != state {
			t.Errorf("it heard %q, %v, want %q", buf[:n], err, state)
		}
	}
	g.o.NotifySocket = filepath.Join(dir, "nobody")
	g.notify("READY=1") // it goes on
}
