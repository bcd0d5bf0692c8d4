package apiserver

import (
	"bytes"
	"encoding/json"
	"net/http"
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

// stream answers as server-sent events. The status line waits for the first text: a
// failure before it still gets a status of its own.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, call chatCall, h head) {
	h.Object = "chat.completion.chunk"
	e := &events{w: w, rc: http.NewResponseController(w), head: h, usage: call.includeUsage}
	res, err := s.o.Turns.Turn(r.Context(), call.turn, e.text)
	switch {
	case err == nil:
		e.finish(res)
	case !e.begun:
		writeError(w, turnError(r.Context(), err))
	default:
		_ = e.send(errorBody{turnError(r.Context(), err)}) // the client may be what failed
	}
}

// events writes one stream. Every event is flushed: it is a word that somebody waits for.
type events struct {
	w     http.ResponseWriter
	rc    *http.ResponseController
	head  head
	usage bool
	begun bool
	buf   bytes.Buffer
}

func (e *events) text(s string) error {
	if err := e.begin(); err != nil {
		return err
	}
	return e.chunk(&usageChunk{chunk: chunk{Choices: []chunkChoice{{Delta: delta{Content: &s}}}}})
}

// begin sends the headers and the chunk that says who speaks.
func (e *events) begin() error {
	if e.begun {
		return nil
	}
	e.begun = true
	h := e.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no") // nginx would hold chunks back
	e.w.WriteHeader(http.StatusOK)
	empty := ""
	return e.chunk(&usageChunk{chunk: chunk{Choices: []chunkChoice{{Delta: delta{Role: "assistant", Content: &empty}}}}})
}

func (e *events) finish(res model.Result) {
	if e.begin() != nil {
		return
	}
	if e.chunk(&usageChunk{chunk: chunk{Choices: []chunkChoice{{Finish: &res.Finish}}}}) != nil {
		return
	}
	if e.usage && e.chunk(&usageChunk{chunk: chunk{Choices: []chunkChoice{}}, Usage: newUsage(res.Usage)}) != nil {
		return
	}
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

func (e *events) raw(data []byte) error {
	e.rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := e.w.Write(data); err != nil {
		return err
	}
	return e.rc.Flush()
}
