package httpguard

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain ignores closeWriteAndWait: net/http gives a refused client half a second to read the answer, even after the server was
// closed.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// patience is how long a test waits for something that must happen.
const patience = 30 * time.Second

// site is a server on a real socket. It reads the body of each request and then calls handle.
func site(t *testing.T, l Limits, b *Bodies, handle http.HandlerFunc) (addr string, conns *Conns) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conns = NewConns(l)
	srv := &http.Server{ReadHeaderTimeout: time.Hour, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer Begin(w, r)()
		if r.URL.Path == "/refused" {
			http.Error(w, "refused", http.StatusForbidden)
			return
		}
		release, err := b.Take(w, r)
		defer release()
		var refused *BodyError
		if errors.As(err, &refused) {
			http.Error(w, refused.Msg, refused.Status)
			return
		}
		handle(w, r)
	})}
	conns.Guard(srv)
	served := make(chan error)
	go func() { served <- srv.Serve(conns.Listener(ln)) }()
	t.Cleanup(func() {
		srv.Close()
		<-served
	})
	return ln.Addr().String(), conns
}

func echo(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, "%d bytes", len(data))
}

// raw opens a connection from a local address and sends text.
func raw(t *testing.T, from, addr, text string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: patience}
	c, err := d.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c
}

// answer reads an answer. gone is true if the connection was closed instead.
func answer(t *testing.T, c net.Conn) (resp *http.Response, body string, gone bool) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Fatal("no answer, and the connection stays open")
	}
	if err != nil {
		return nil, "", true
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(data), false
}

// closes waits until the server closes the connection.
func closes(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, err := io.Copy(io.Discard, c)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Error("the connection stays open")
	}
}

// turnedAway checks that the server closes a new connection without an answer. That may happen before Dial has returned.
func turnedAway(t *testing.T, addr string) {
	t.Helper()
	c, err := (&net.Dialer{Timeout: patience}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		return
	}
	defer c.Close()
	if _, err := io.WriteString(c, whole); err != nil {
		return
	}
	if resp, _, gone := answer(t, c); !gone {
		t.Errorf("one too many is answered: %v", resp)
	}
}

const (
	starved = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
	whole   = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
)

// TestConnectionsWhoseBodyNeverComesStopNobody: such connections are replaced by new ones, whether they come from one address or
// from many. Connections on which no request comes are replaced too.
func TestConnectionsWhoseBodyNeverComesStopNobody(t *testing.T) {
	for what, l := range map[string]Limits{"of all": {Total: 20, PerAddress: 1000}, "of one address": {Total: 1000, PerAddress: 20}} {
		for _, text := range []string{starved, "", "POST / HTTP/1.1\r\nHo", "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"} {
			t.Run(what, func(t *testing.T) {
				addr, _ := site(t, l, &Bodies{Max: 1000, Stall: time.Hour, Within: time.Hour}, echo)
				for range 100 {
					raw(t, "127.0.0.1", addr, text)
				}
				if resp, body, gone := answer(t, raw(t, "127.0.0.1", addr, whole)); gone || resp.StatusCode != 200 || body != "5 bytes" {
					t.Errorf("%q: %v %s gone: %t", text, resp, body, gone)
				}
			})
		}
	}
}

// TestWhoIsBeingAnsweredIsNotLetGo: a client on top of the limit sees at once that its connection is closed.
func TestWhoIsBeingAnsweredIsNotLetGo(t *testing.T) {
	begun, end := make(chan struct{}, 10), make(chan struct{})
	addr, _ := site(t, Limits{Total: 3, PerAddress: 3}, &Bodies{Max: 1000, Stall: time.Hour, Within: time.Hour}, func(w http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		<-end
		echo(w, r)
	})
	var held []net.Conn
	for range 3 {
		held = append(held, raw(t, "127.0.0.1", addr, whole))
	}
	for range held {
		<-begun
	}
	turnedAway(t, addr)
	close(end)
	for _, c := range held {
		if _, body, gone := answer(t, c); gone || body != "5 bytes" {
			t.Errorf("%q, gone: %t", body, gone)
		}
	}
	// The three connections are idle now, so new ones replace them.
	if _, body, gone := answer(t, raw(t, "127.0.0.1", addr, whole)); gone || body != "5 bytes" {
		t.Errorf("afterwards: %q, gone: %t", body, gone)
	}
}

func TestOneAddressDoesNotTakeTheRoomOfAnother(t *testing.T) {
	begun, end := make(chan struct{}, 10), make(chan struct{})
	block := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/block" {
			begun <- struct{}{}
			<-end
		}
		echo(w, r)
	}
	l := Limits{Total: 10, PerAddress: 2, Exempt: func(a netip.Addr) bool { return a == netip.MustParseAddr("127.0.0.3") }}
	addr, _ := site(t, l, &Bodies{Max: 1000, Stall: time.Hour, Within: time.Hour}, block)
	defer close(end)
	for range 2 {
		raw(t, "127.0.0.1", addr, "GET /block HTTP/1.1\r\nHost: x\r\n\r\n")
		<-begun
	}
	turnedAway(t, addr)
	if _, body, gone := answer(t, raw(t, "127.0.0.2", addr, whole)); gone || body != "5 bytes" {
		t.Errorf("another address: %q, gone: %t", body, gone)
	}
	for range 4 {
		raw(t, "127.0.0.3", addr, "GET /block HTTP/1.1\r\nHost: x\r\n\r\n")
		<-begun
	}
}

func TestBodiesAreTakenWholeAndInTimeOrRefused(t *testing.T) {
	b := &Bodies{Max: 100_000, Stall: 50 * time.Millisecond, Within: time.Hour}
	addr, _ := site(t, Limits{Total: 100, PerAddress: 100}, b, echo)
	for _, c := range []struct {
		what, text string
		status     int
	}{
		{"one that stalls", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhel", 408},
		{"one of a GET that stalls", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", 408},
		{"chunks that stall", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe", 408},
		{"one that is too large", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\n", 413},
		{"chunks that are too large", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n186a1\r\n" + strings.Repeat("x", 100_001) + "\r\n0\r\n\r\n", 413},
		{"a broken chunk", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
		{"a request that is refused before", "POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", 403},
	} {
		conn := raw(t, "127.0.0.1", addr, c.text)
		resp, body, gone := answer(t, conn)
		if gone || resp.StatusCode != c.status || !resp.Close {
			t.Errorf("%s: %v %s, gone: %t", c.what, resp, body, gone)
			continue
		}
		closes(t, conn)
	}
	conn := raw(t, "127.0.0.1", addr, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"+strings.Repeat("x", 100_000))
	if resp, body, gone := answer(t, conn); gone || body != "100000 bytes" || resp.Close {
		t.Errorf("one that fits: %v %q, gone: %t", resp, body, gone)
	}
	if _, err := io.WriteString(conn, whole); err != nil {
		t.Fatal(err)
	}
	if _, body, gone := answer(t, conn); gone || body != "5 bytes" {
		t.Errorf("the connection is not used again: %q, gone: %t", body, gone)
	}
}

func TestWhatIsHeldTogetherIsBoundedAndGivenBack(t *testing.T) {
	b := &Bodies{Max: 1 << 20, Stall: time.Hour, Within: time.Hour, Together: 4 * chunk}
	held, end := make(chan struct{}), make(chan struct{})
	addr, _ := site(t, Limits{Total: 100, PerAddress: 100}, b, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			held <- struct{}{}
			<-end
		}
		echo(w, r)
	})
	size := 3*chunk - 10
	large := fmt.Sprintf("POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size))
	first := raw(t, "127.0.0.1", addr, large)
	<-held
	if resp, _, gone := answer(t, raw(t, "127.0.0.1", addr, large)); gone || resp.StatusCode != 503 {
		t.Errorf("a second large one: %v, gone: %t", resp, gone)
	}
	close(end)
	if _, body, gone := answer(t, first); gone || body != fmt.Sprintf("%d bytes", size) {
		t.Errorf("%q, gone: %t", body, gone)
	}
	for b.held.Load() != 0 { // the bytes are released after the answer
		select {
		case <-t.Context().Done():
			t.Fatal("it is not given back")
		case <-time.After(time.Millisecond):
		}
	}
}

// TestWhoIsRefusedWhileSendingCanReadWhy, also if the client has asked to close the connection itself.
func TestWhoIsRefusedWhileSendingCanReadWhy(t *testing.T) {
	addr, _ := site(t, Limits{Total: 100, PerAddress: 100}, &Bodies{Max: 1000, Stall: time.Hour, Within: time.Hour}, echo)
	for path, status := range map[string]int{"/": 413, "/refused": 403} {
		for range 20 {
			conn := raw(t, "127.0.0.1", addr, "POST "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1001000\r\n\r\n"+strings.Repeat("x", 100_000))
			if resp, _, gone := answer(t, conn); gone || resp.StatusCode != status {
				t.Fatalf("%s: %v, gone: %t", path, resp, gone)
			}
			conn.Close()
		}
	}
}

// TestNothingIsCountedTwice: connections that are closed are not counted, however they ended.
func TestNothingIsCountedTwice(t *testing.T) {
	addr, conns := site(t, Limits{Total: 5, PerAddress: 3}, &Bodies{Max: 1000, Stall: time.Hour, Within: time.Hour}, echo)
	for i := range 50 {
		c, err := (&net.Dialer{Timeout: patience}).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			continue // the server has closed it
		}
		_, _ = io.WriteString(c, []string{"", starved, whole}[i%3]) // fails if the connection was replaced already
		if i%2 == 0 {
			c.Close()
		} else {
			t.Cleanup(func() { c.Close() })
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		conns.mu.Lock()
		total, idle, sources := conns.total, conns.idle.Len(), len(conns.sources)
		conns.mu.Unlock()
		if total <= 3 && total == idle && sources <= 1 {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d connections, %d of them idle, of %d addresses", total, idle, sources)
		case <-time.After(time.Millisecond):
		}
	}
}
