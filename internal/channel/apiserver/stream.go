package apiserver

import (
	"bytes"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"hermes/internal/model"
)

// delta is what a chunk adds. Content is absent from the last one.
type delta struct {
	Role    string  `json:"role,omitempty"`
	Content *string `json:"content,omitempty"`
}

type chunkChoice struct {
	Index    int           `json:"index"`
	Delta    delta         `json:"delta"`
	Logprobs any           `json:"logprobs"`
	Finish   *model.Finish `json:"finish_reason"`
}

type chunk struct {
	head
	Choices []chunkChoice `json:"choices"`
}

// usageChunk is a chunk of a stream whose client asked for usage: null until the last.
type usageChunk struct {
	chunk
	Usage *usage `json:"usage"`
}

// stream answers as server-sent events. What is wrong before the turn begins gets a status of its own. From then on
// the client has the headers, and hears something at least every KeepAlive, however long the model thinks: proxies and
// clients take silence for a dead connection. A failure is an event then.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, call chatCall, h head) {
	h.Object = "chat.completion.chunk"
	e := &events{w: w, rc: http.NewResponseController(w), head: h, usage: call.includeUsage, every: s.o.KeepAlive}
	call.turn.Begun = e.begin
	defer e.end() // also if the turn panics: nothing is written after the handler has returned
	res, err := s.o.Turns.Turn(r.Context(), call.turn, words(e.text))
	switch {
	case err == nil:
		e.finish(res)
	case !e.begun:
		writeError(w, turnError(r.Context(), err))
	default:
		e.fail(turnError(r.Context(), err))
	}
}

// events writes one stream. Every event is flushed: it is a word that somebody waits for.
type events struct {
	w     http.ResponseWriter
	rc    *http.ResponseController
	head  head
	usage bool
	every time.Duration // the longest silence

	// begun, and err, which ended the stream, are the turn's; the rest is also the timer's, under mu.
	begun bool
	err   error

	mu    sync.Mutex
	quiet *time.Timer // sends a comment when it fires; nil before the beginning and after the end
	buf   bytes.Buffer
}

// text sends a piece of the answer.
func (e *events) text(s string) error {
	if e.begin(); e.err == nil {
		e.err = e.chunk(&usageChunk{chunk: chunk{Choices: []chunkChoice{{Delta: delta{Content: &s}}}}})
	}
	return e.err
}

// begin sends the headers and the chunk that says who speaks. A second time is none. Its error is told by text: whoever has a
// turn begin has nothing to do with the client.
func (e *events) begin() {
	if e.begun {
		return
	}
	e.begun = true
	h := e.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no") // nginx would hold chunks back
	e.w.WriteHeader(http.StatusOK)
	empty := ""
	e.err = e.chunk(&usageChunk{chunk: chunk{Choices: []chunkChoice{{Delta: delta{Role: "assistant", Content: &empty}}}}})
	e.mu.Lock()
	defer e.mu.Unlock()
	e.quiet = time.AfterFunc(e.every, e.alive)
}

// alive sends a comment, which clients pass over (https://html.spec.whatwg.org/multipage/server-sent-events.html). If it
// cannot be sent, net/http ends the request's context, and with it the turn.
func (e *events) alive() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.quiet != nil {
		_ = e.raw([]byte(": keep-alive\n\n"))
	}
}

// end returns when no comment is sent any more.
func (e *events) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.quiet != nil {
		e.quiet.Stop()
		e.quiet = nil
	}
}

// fail sends the event that ends a stream too early. The client may be what failed.
func (e *events) fail(err *apiError) { _ = e.send(errorBody{err}) }

func (e *events) finish(res model.Result) {
	if e.begin(); e.err != nil {
		return
	}
	reason := finishReason(res.Finish)
	if e.chunk(&usageChunk{chunk: chunk{Choices: []chunkChoice{{Finish: &reason}}}}) != nil {
		return
	}
	if e.usage && e.chunk(&usageChunk{chunk: chunk{Choices: []chunkChoice{}}, Usage: newUsage(res.Usage)}) != nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = e.raw([]byte("data: [DONE]\n\n")) // it ends here, read or not
}

func (e *events) chunk(c *usageChunk) error {
	c.head = e.head
	if e.usage {
		return e.send(c)
	}
	return e.send(&c.chunk)
}

func (e *events) send(v any) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.buf.Reset()
	e.buf.WriteString("data: ")
	enc := json.NewEncoder(&e.buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	e.buf.WriteByte('\n')
	return e.raw(e.buf.Bytes())
}

// raw writes and flushes. What comes next has as long as ever. mu is held.
func (e *events) raw(data []byte) error {
	if e.quiet != nil {
		e.quiet.Reset(e.every)
	}
	e.rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := e.w.Write(data); err != nil {
		return err
	}
	return e.rc.Flush()
}
