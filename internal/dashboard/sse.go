package dashboard

import (
	"bytes"
	"net/http"
	"time"
)

const (
	// quietest is how long a stream says nothing: something between must not take it for dead.
	quietest = 25 * time.Second
	// writeWithin is how long a visitor may take to accept what is sent, before it is let go.
	writeWithin = 15 * time.Second
	// fastest bounds how often a stream sends: a page that changes more often cannot be read.
	fastest = 80 * time.Millisecond
)

// stream sends server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
type stream struct {
	w  http.ResponseWriter
	rc *http.ResponseController
	b  bytes.Buffer
}

func startStream(w http.ResponseWriter) *stream {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // nginx
	return &stream{w: w, rc: http.NewResponseController(w)}
}

// send sends one event. Its data is as many fields as it has lines; a lone carriage return would be a line end too.
func (s *stream) send(event string, data []byte) error {
	s.b.Reset()
	s.b.WriteString("event: " + event + "\n")
	for line := range bytes.Lines(bytes.ReplaceAll(data, []byte("\r"), []byte(" "))) {
		s.b.WriteString("data: ")
		s.b.Write(bytes.TrimSuffix(line, []byte("\n")))
		s.b.WriteByte('\n')
	}
	s.b.WriteByte('\n')
	return s.flush()
}

// idle sends a comment.
func (s *stream) idle() error {
	s.b.Reset()
	s.b.WriteString(":\n\n")
	return s.flush()
}

func (s *stream) flush() error {
	s.rc.SetWriteDeadline(time.Now().Add(writeWithin))
	if _, err := s.w.Write(s.b.Bytes()); err != nil {
		return err
	}
	return s.rc.Flush()
}
