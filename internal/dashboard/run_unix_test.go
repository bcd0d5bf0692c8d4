//go:build unix

package dashboard

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"hermes/internal/dashboard/access"
	"hermes/internal/dashboard/backend"
	"hermes/internal/doctor"
)

// running starts a dashboard and returns when it has announced itself on its descriptor.
func running(ctx context.Context, t *testing.T, f backend.Options, log io.Writer) (url string, ended <-chan error) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fd, err := syscall.Dup(int(w.Fd())) // Run closes it
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	c := access.Options{Host: "127.0.0.1", Port: freePort(t), Username: "ann", Password: hash()}
	end := make(chan error, 1)
	go func() {
		end <- Run(ctx, Options{Access: c, Backend: f, ReadyFD: fd, Log: slog.New(slog.NewTextHandler(log, nil))})
	}()
	said := make(chan string, 1)
	go func() {
		data, _ := io.ReadAll(r) // to the end: it is closed after the announcement
		said <- string(data)
	}()
	if got := within(t, "the announcement", said); got != "\n" {
		t.Fatalf("announced %q", got)
	}
	return fmt.Sprintf("http://127.0.0.1:%d", c.Port), end
}

func ask(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	req.SetBasicAuth("ann", password)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.Status + " " + string(body), err
}

func TestItAnnouncesItselfOnceItServesAndEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var log bytes.Buffer
	url, ended := running(ctx, t, home(t, nil), &log)
	if got, err := ask(t.Context(), url+"/health"); err != nil || !strings.HasPrefix(got, "200") {
		t.Errorf("%s, %v", got, err)
	}
	cancel()
	if err := within(t, "the end", ended); err != nil {
		t.Errorf("a planned end: %v", err)
	}
	if _, err := ask(t.Context(), url+"/health"); err == nil {
		t.Error("it still answers")
	}
	if strings.Contains(log.String(), password) {
		t.Errorf("the log has the password: %s", log.String())
	}
}

func TestARunningRequestMayFinishAtTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	asked, answer := make(chan struct{}), make(chan struct{})
	slow := home(t, nil)
	slow.Doctor = func() (doctor.Options, error) {
		close(asked)
		<-answer
		return doctor.Options{}, errors.New("not here")
	}
	url, ended := running(ctx, t, slow, io.Discard)
	got := make(chan string, 1)
	go func() {
		body, err := ask(t.Context(), url+"/doctor")
		got <- fmt.Sprint(body, err)
	}()
	within(t, "the request", asked)
	cancel()
	close(answer)
	if body := within(t, "the answer", got); !strings.HasPrefix(body, "200") {
		t.Errorf("cut off: %s", body)
	}
	if err := within(t, "the end", ended); err != nil {
		t.Error(err)
	}
}

// hearing calls heard for each line that is written to it.
type hearing func(line string)

func (h hearing) Write(p []byte) (int, error) {
	h(string(p))
	return len(p), nil
}

func TestADescriptorThatIsNotOpenDoesNotKeepItFromServing(t *testing.T) {
	if err := announce(0); err != nil {
		t.Errorf("no descriptor: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	warned, ended := make(chan struct{}), make(chan error, 1)
	log := hearing(func(line string) {
		if strings.Contains(line, "cannot tell the supervisor") {
			close(warned)
		}
	})
	c := access.Options{Host: "127.0.0.1", Port: freePort(t), Username: "ann", Password: hash()}
	go func() {
		ended <- Run(ctx, Options{Access: c, Backend: home(t, nil), ReadyFD: 9999, Log: slog.New(slog.NewTextHandler(log, nil))})
	}()
	select {
	case <-warned:
	case err := <-ended:
		t.Fatalf("it ended: %v", err)
	case <-time.After(10 * time.Second):
		t.Fatal("nobody is told")
	}
	if got, err := ask(t.Context(), fmt.Sprintf("http://127.0.0.1:%d/health", c.Port)); err != nil || !strings.HasPrefix(got, "200") {
		t.Errorf("%s, %v", got, err)
	}
	cancel()
	if err := within(t, "the end", ended); err != nil {
		t.Errorf("the end: %v", err)
	}
}

// A visitor who sends slowly, or nothing, is disconnected. Meanwhile everybody else is served.
func TestSlowVisitorsHoldUpNobody(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	url, ended := running(ctx, t, home(t, nil), io.Discard)
	address := strings.TrimPrefix(url, "http://")
	var slow []net.Conn
	for i := range 200 {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if i%2 == 0 {
			fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ") // and nothing more
		} else {
			fmt.Fprint(conn, "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nusername=")
		}
		slow = append(slow, conn)
	}
	if got, err := ask(t.Context(), url+"/health"); err != nil || !strings.HasPrefix(got, "200") {
		t.Errorf("%s, %v", got, err)
	}
	// The header's limit is 5 s, the body's 20 s; the first kind is enough to wait for.
	if err := slow[0].SetReadDeadline(time.Now().Add(15 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(slow[0]); err != nil {
		t.Errorf("it is not let go: %v", err)
	}
	cancel()
	if err := within(t, "the end", ended); err != nil {
		t.Error(err)
	}
}
