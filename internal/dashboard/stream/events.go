package stream

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"
)

// WriteWithin is how long a visitor may take to accept what is sent. One who takes longer is disconnected.
const WriteWithin = 15 * time.Second

// Events are server-sent events on their way to one visitor (https://html.spec.whatwg.org/multipage/server-sent-events.html).
type Events struct {
	w  http.ResponseWriter
	rc *http.ResponseController
	b  bytes.Buffer
}

func begin(w http.ResponseWriter) *Events {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // nginx
	return &Events{w: w, rc: http.NewResponseController(w)}
}

// Send sends one event. It has one field of data for each line of data. A carriage return would end a line too, so a space takes its
// place.
func (e *Events) Send(event string, data []byte) error {
	e.b.Reset()
	e.b.WriteString("event: " + event + "\n")
	for line := range bytes.Lines(bytes.ReplaceAll(data, []byte("\r"), []byte(" "))) {
		e.b.WriteString("data: ")
		e.b.Write(bytes.TrimSuffix(line, []byte("\n")))
		e.b.WriteByte('\n')
	}
	e.b.WriteByte('\n')
	return e.flush()
}

// SendJSON sends one event whose data is JSON.
func (e *Events) SendJSON(event string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return e.Send(event, data)
}

// idle sends a comment, which browsers ignore.
func (e *Events) idle() error {
	e.b.Reset()
	e.b.WriteString(":\n\n")
	return e.flush()
}

func (e *Events) flush() error {
	e.rc.SetWriteDeadline(time.Now().Add(WriteWithin))
	if _, err := e.w.Write(e.b.Bytes()); err != nil {
		return err
	}
	return e.rc.Flush()
}
