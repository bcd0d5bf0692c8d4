package openai

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"testing"

	"hermes/internal/model"
)

// stream sends a chunk for each of these deltas and then ends the answer.
func stream(deltas ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, d := range deltas {
			fmt.Fprintf(w, "data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":%s,\"finish_reason\":null}]}\n\n", d)
		}
		say()(w, r)
	}
}

func TestEveryPartIsSentInOpenAIsFormat(t *testing.T) {
	var body []byte
	f := newFake(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		say("ok")(w, r)
	})
	_, err := f.p.Stream(t.Context(), model.Request{Messages: []model.Message{
		{Role: model.User, Parts: []model.Part{model.Text("look"), &model.Image{MediaType: "image/png", Data: []byte("PNG")}}},
		{Role: model.Assistant, Parts: []model.Part{
			model.Reasoning{Text: "hm"}, model.Text("I "), model.Text("look"), model.ToolCall{ID: "c1", Name: "zoom", Input: `{"by":2}`}, model.ToolCall{ID: "c2", Name: "crop", Input: `{}`},
			model.ToolResult{ID: "c1", Output: "bigger"}, model.ToolResult{ID: "c2", Output: "no such part", Failed: true}, model.Text("a cat"),
		}},
		model.TextMessage(model.User, "thanks"),
	}}, func(model.Event) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	var got, want struct{ Messages []any }
	wanted := `{"messages":[
		{"role":"user","content":[{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"data:image/png;base64,UE5H"}}]},
		{"role":"assistant","content":"I look","reasoning_content":"hm","tool_calls":[
			{"id":"c1","type":"function","function":{"name":"zoom","arguments":"{\"by\":2}"}},{"id":"c2","type":"function","function":{"name":"crop","arguments":"{}"}}]},
		{"role":"tool","tool_call_id":"c1","content":"bigger"},
		{"role":"tool","tool_call_id":"c2","content":"no such part"},
		{"role":"assistant","content":"a cat"},
		{"role":"user","content":"thanks"}]}`
	if err := json.Unmarshal([]byte(wanted), &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, sent %s", err, body)
	}
}

func TestAnAnswerComesInTypedEvents(t *testing.T) {
	f := newFake(t, Options{MaxRetries: 2},
		hangUpAfter(`{"reasoning_content":"lost"}`),
		stream(`{"reasoning_content":"h"}`, `{"reasoning_content":"m"}`, `{"content":"I look"}`,
			`{"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"zoom","arguments":"{\"by\":"}}]}`,
			`{"tool_calls":[{"index":0,"function":{"arguments":"2}"}}]}`))
	var got []model.Event
	_, err := f.p.Stream(t.Context(), model.Request{Messages: []model.Message{model.TextMessage(model.User, "hi")}}, func(e model.Event) error {
		got = append(got, e)
		return nil
	})
	want := []model.Event{model.ReasoningDelta("lost"), model.Restart{}, model.ReasoningDelta("h"), model.ReasoningDelta("m"),
		model.TextDelta("I look"), model.ToolCall{ID: "c1", Name: "zoom", Input: `{"by":2}`}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, got %#v", err, got)
	}
}

// hangUpAfter sends one delta and closes the connection.
func hangUpAfter(delta string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":%s}]}\n\n", delta)
		w.(http.Flusher).Flush()
		if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
			c.Close()
		}
	}
}
