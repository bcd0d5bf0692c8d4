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

// Bodies limits the bodies of requests.
type Bodies struct {
	// Max is the size of the largest body, in bytes.
	Max int64
	// Stall is how long a client may send nothing; Within is how long the whole body may take.
	Stall, Within time.Duration
	// Together is how many bytes of all incomplete and unanswered bodies are held at a time; 0 means no limit.
	Together int64

	held atomic.Int64
}

// BodyError reports a body that was not accepted. Status is the HTTP status of the answer: 408, 413, 503, or 400.
type BodyError struct {
	Status int
	Msg    string
}

func (e *BodyError) Error() string { return e.Msg }

// Begin is called first for every request. An answer that is sent before Take has read the body closes the connection. Otherwise the
// server would first read the rest of the body, in order to use the connection again. Call end when the request is answered.
func Begin(w http.ResponseWriter, r *http.Request) (end func()) {
	if !pending(r) {
		return func() {}
	}
	waiting(r) // also if it is refused: closing takes half a second, in which the client can read why
	w.Header().Set("Connection", "close")
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(refusedWithin)) // fails only with the writer of a test
	return func() {
		if pending(r) {
			linger(w)
		}
	}
}

// linger keeps a connection open for half a second after the answer, so that a client that is still sending can read the answer.
// Without it the kernel resets the connection, because unread data is left. net/http does the same after a body that is too large.
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

// taken is a body that has been read whole.
type taken struct{ *bytes.Reader }

func (taken) Close() error { return nil }

// refusedWithin is how long the server may read the rest of a refused body.
const refusedWithin = time.Second

// pending reports whether the request has a body that Take has not read.
func pending(r *http.Request) bool {
	_, arrived := r.Body.(taken)
	return !arrived && r.Body != nil && r.Body != http.NoBody && r.ContentLength != 0
}

// chunk is how many bytes are read and counted at a time.
const chunk = 32 << 10

// Take reads the whole body of a request and replaces r.Body with it, so that no handler waits for a slow body. Its errors are
// *BodyError, and then the answer closes the connection. The caller calls release when it no longer needs the body, which Together
// counts until then.
func (b *Bodies) Take(w http.ResponseWriter, r *http.Request) (release func(), err error) {
	release = func() {}
	if !pending(r) {
		return release, nil
	}
	_ = Begin(w, r) // the caller of Take has called Begin too and calls its end
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
		_ = rc.SetReadDeadline(deadline) // fails only with the writer of a test
		if held += chunk; b.held.Add(chunk) > b.Together && b.Together > 0 {
			return fail(&BodyError{http.StatusServiceUnavailable, "too many large requests at once: try again in a moment"})
		}
		n, err := io.CopyN(&data, r.Body, chunk)
		if int64(data.Len()) > b.Max {
			return fail(b.tooLarge())
		}
		switch {
		case errors.Is(err, io.EOF):
			// Remove the read deadline, which would end an answer that takes long.
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

// Paced returns a writer that gives the client the time within for each piece that is written, however long all pieces take.
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

func (p *paced) extend() { _ = p.rc.SetWriteDeadline(time.Now().Add(p.within)) } // fails only with the writer of a test

// Write implements io.Writer.
func (p *paced) Write(data []byte) (int, error) {
	p.extend()
	return p.ResponseWriter.Write(data)
}

// Unwrap lets http.ResponseController reach the connection.
func (p *paced) Unwrap() http.ResponseWriter { return p.ResponseWriter }
