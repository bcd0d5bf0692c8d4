package apiserver

import (
	"bytes"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"hermes/internal/model"
)

// delta is what a chunk adds to the answer. The last chunk has no Content.
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

// usageChunk is a chunk for a client that asked for usage. Usage is null in all but the last one.
type usageChunk struct {
	chunk
	Usage *usage `json:"usage"`
}

// stream answers with server-sent events. An error before the turn begins gets its own HTTP status. Once it has begun, the client
// has the headers and gets something at least every KeepAlive, however long the model thinks, because proxies and clients take
// silence for a dead connection. An error after that is sent as an event.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, call chatCall, h head) {
	h.Object = "chat.completion.chunk"
	e := &events{w: w, rc: http.NewResponseController(w), head: h, usage: call.includeUsage, every: s.o.KeepAlive}
	call.turn.Begun = e.begin
	defer e.end() // also if the turn panics, so that nothing is written after the handler has returned
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

// events writes one stream. It flushes every event at once, because the client shows each word as it comes.
type events struct {
	w     http.ResponseWriter
	rc    *http.ResponseController
	head  head
	usage bool
	every time.Duration // the longest silence

	// Only the turn uses begun and err (why the stream ended). The timer uses the other fields too, under mu.
	begun bool
	err   error

	mu    sync.Mutex
	quiet *time.Timer // sends a comment when it fires; nil before begin and after end
	buf   bytes.Buffer
}

// text sends a piece of the answer.
func (e *events) text(s string) error {
	if e.begin(); e.err == nil {
		e.err = e.chunk(&usageChunk{chunk: chunk{Choices: []chunkChoice{{Delta: delta{Content: &s}}}}})
	}
	return e.err
}

// begin sends the headers and the chunk that names the role. Later calls do nothing. If it fails, the next call of text returns the
// error, because the caller of begin (the queue of turns) does not deal with the client.
func (e *events) begin() {
	if e.begun {
		return
	}
	e.begun = true
	h := e.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no") // without this nginx would hold chunks back
	e.w.WriteHeader(http.StatusOK)
	empty := ""
	e.err = e.chunk(&usageChunk{chunk: chunk{Choices: []chunkChoice{{Delta: delta{Role: "assistant", Content: &empty}}}}})
	e.mu.Lock()
	defer e.mu.Unlock()
	e.quiet = time.AfterFunc(e.every, e.alive)
}

// alive sends a comment, which clients ignore (https://html.spec.whatwg.org/multipage/server-sent-events.html). If it cannot be
// sent, net/http ends the context of the request, and so the turn ends too.
func (e *events) alive() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.quiet != nil {
		_ = e.raw([]byte(": keep-alive\n\n"))
	}
}

// end stops the comments. When it returns, none is being written.
func (e *events) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.quiet != nil {
		e.quiet.Stop()
		e.quiet = nil
	}
}

// fail sends the event that ends a stream with an error. If that fails too, the client is gone and nothing is left to do.
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
	_ = e.raw([]byte("data: [DONE]\n\n")) // the stream ends here, so a failed write does not matter
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

// raw writes and flushes the data, and starts the times for the next silence and the next write anew. The caller holds mu.
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
