package httpguard

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// Bodies says how the bodies of requests are taken.
type Bodies struct {
	// Max is the largest body, in bytes.
	Max int64
	// Stall is how long a client may send nothing, Within how long all of a body may take.
	Stall, Within time.Duration
	// Together is how many bytes are held at a time, of all bodies that are being taken; 0 for any number.
	Together int64

	held atomic.Int64
}

// BodyError reports a body that was not taken. Status is the HTTP status that says so: 408, 413, 503, or 400.
type BodyError struct {
	Status int
	Msg    string
}

func (e *BodyError) Error() string { return e.Msg }

// Begin is called first for every request. Until its body is taken, whatever is answered closes the connection, and the
// server does not wait for the rest of the body: it would read it, to use the connection again. Call end when the
// request is answered.
func Begin(w http.ResponseWriter, r *http.Request) (end func()) {
	if !pending(r) {
		return func() {}
	}
	waiting(r) // also when it is refused: closing takes half a second, so that the client can read why
	w.Header().Set("Connection", "close")
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(refusedWithin)) // a writer that has none is a test's
	return func() {
		if pending(r) {
			linger(w)
		}
	}
}

// linger keeps a connection open for half a second after the answer, so that a client that is still sending can read it:
// the kernel resets a connection that is closed with something unread. net/http does so after a body that is too large.
func linger(w http.ResponseWriter) {
	for {
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		w = u.Unwrap()
	}
	_, _ = http.MaxBytesReader(w, io.NopCloser(strings.NewReader("too much")), 0).Read(make([]byte, 1))
}

// taken is a body that has arrived.
type taken struct{ *bytes.Reader }

func (taken) Close() error { return nil }

// refusedWithin is how long the rest of a body that is refused may take.
const refusedWithin = time.Second

// pending reports whether a body is still to come.
func pending(r *http.Request) bool {
	_, arrived := r.Body.(taken)
	return !arrived && r.Body != nil && r.Body != http.NoBody && r.ContentLength != 0
}

// chunk is how much is read at a time, and counted.
const chunk = 32 << 10

// Take reads the body of a request whole and puts it in the place of what was read from, so that nobody waits for a slow one
// later. Errors are *BodyError; the answer then closes the connection. release gives back what Together counts.
func (b *Bodies) Take(w http.ResponseWriter, r *http.Request) (release func(), err error) {
	release = func() {}
	if !pending(r) {
		return release, nil
	}
	_ = Begin(w, r) // who called it ends it
	if r.ContentLength > b.Max {
		return release, b.tooLarge()
	}
	rc := http.NewResponseController(w)
	end := time.Now().Add(b.Within)
	var data bytes.Buffer
	var held int64
	fail := func(err error) (func(), error) {
		b.held.Add(-held)
		return func() {}, err
	}
	for {
		deadline := time.Now().Add(b.Stall)
		if deadline.After(end) {
			deadline = end
		}
		_ = rc.SetReadDeadline(deadline) // a writer that has none is a test's
		if held += chunk; b.held.Add(chunk) > b.Together && b.Together > 0 {
			return fail(&BodyError{http.StatusServiceUnavailable, "too many large requests at once: try again in a moment"})
		}
		n, err := io.CopyN(&data, r.Body, chunk)
		if int64(data.Len()) > b.Max {
			return fail(b.tooLarge())
		}
		switch {
		case errors.Is(err, io.EOF):
			// Without a deadline from here on: it would end a long answer.
			_ = rc.SetReadDeadline(time.Time{})
			arrived(r)
			w.Header().Del("Connection")
			r.Body = taken{bytes.NewReader(data.Bytes())}
			r.ContentLength, r.TransferEncoding = int64(data.Len()), nil
			return func() { b.held.Add(-held) }, nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return fail(&BodyError{http.StatusRequestTimeout, "the request did not arrive in time"})
		case err != nil:
			return fail(&BodyError{http.StatusBadRequest, "the request did not arrive"})
		case n < chunk && time.Now().After(end):
			return fail(&BodyError{http.StatusRequestTimeout, "the request did not arrive in time"})
		}
	}
}

func (b *Bodies) tooLarge() error {
	return &BodyError{http.StatusRequestEntityTooLarge, fmt.Sprintf("the request is larger than %d kB", b.Max>>10)}
}

// Paced returns a writer that gives a client a time to take each piece, however long the whole takes.
func Paced(w http.ResponseWriter, within time.Duration) http.ResponseWriter {
	p := &paced{ResponseWriter: w, rc: http.NewResponseController(w), within: within}
	p.extend()
	return p
}

type paced struct {
	http.ResponseWriter
	rc     *http.ResponseController
	within time.Duration
}

func (p *paced) extend() { _ = p.rc.SetWriteDeadline(time.Now().Add(p.within)) } // a writer that has none is a test's

// Write implements io.Writer.
func (p *paced) Write(data []byte) (int, error) {
	p.extend()
	return p.ResponseWriter.Write(data)
}

// Unwrap lets http.ResponseController reach the connection.
func (p *paced) Unwrap() http.ResponseWriter { return p.ResponseWriter }
