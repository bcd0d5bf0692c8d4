package systemd

import (
	"bufio"
	"encoding/binary"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// dropping is a systemd that accepts every connection, answers pings, and drops the connection at any other call.
func dropping(t *testing.T) (socket string, connections *atomic.Int32) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "private")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	connections = &atomic.Int32{}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			go func() {
				defer c.Close()
				answerPings(c)
			}()
		}
	}()
	return socket, connections
}

// answerPings speaks the protocol of https://dbus.freedesktop.org/doc/dbus-specification.html until another call comes.
func answerPings(c net.Conn) {
	in := bufio.NewReader(c)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch line = strings.Trim(line, "\x00\r\n"); {
		case line == "AUTH":
			_, _ = c.Write([]byte("REJECTED EXTERNAL\r\n"))
			continue
		case strings.HasPrefix(line, "AUTH "):
			_, _ = c.Write([]byte("OK 0123456789abcdef0123456789abcdef\r\n"))
			continue
		case line != "BEGIN":
			_, _ = c.Write([]byte("ERROR\r\n"))
			continue
		}
		break
	}
	for {
		m, err := dbus.DecodeMessage(in)
		if err != nil || m.Headers[dbus.FieldMember].Value() != "Ping" {
			return
		}
		answer := []byte{'l', byte(dbus.TypeMethodReply), byte(dbus.FlagNoReplyExpected), 1, 0, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, byte(dbus.FieldReplySerial), 1, 'u', 0}
		if _, err := c.Write(binary.LittleEndian.AppendUint32(answer, m.Serial())); err != nil {
			return
		}
	}
}

func TestASystemdThatDropsEveryQuestionIsGivenUp(t *testing.T) {
	socket, connections := dropping(t)
	b, err := connect(t.Context(), socket, false)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	const limit = 10 * retryPause
	b.patience = limit
	ended := make(chan error, 1)
	go func() { ended <- b.manager(t.Context(), "Reload", nil) }()
	select {
	case err := <-ended:
		if !closed(err) {
			t.Errorf("the error is %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it is asked for ever")
	}
	// There is one connection at the beginning, and one after each pause.
	if n := connections.Load(); n > 2+int32(limit/retryPause) {
		t.Errorf("%d connections", n)
	}
}
