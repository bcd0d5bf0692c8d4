package openai

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hermes/internal/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const canary = "sk-canary-0123456789"

// fake is an OpenAI server. Each request gets the next handler; the last handler is used again for all further requests.
type fake struct {
	*httptest.Server
	hits  atomic.Int32
	slept []time.Duration
	p     *Provider
}

func newFake(t *testing.T, o Options, handlers ...http.HandlerFunc) *fake {
	t.Helper()
	f := &fake{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(f.hits.Add(1))
		if r.URL.Path != "/v1/chat/completions" {
			t.Errorf("path %s", r.URL.Path)
		}
		handlers[min(n, len(handlers))-1](w, r)
	}))
	o.BaseURL, o.Model, o.KeyHint, o.ConfigFile = f.URL+"/v1/", "m1", "KEY in /home/.env", "/home/config.yaml"
	o.Sleep = func(ctx context.Context, d time.Duration) error {
		f.slept = append(f.slept, d)
		return ctx.Err()
	}
	f.p = New(o)
	t.Cleanup(func() { f.p.Close(); f.Close() })
	return f
}

func say(words ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, word := range words {
			fmt.Fprintf(w, "data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%q},\"finish_reason\":null}]}\n\n", word)
			w.(http.Flusher).Flush()
		}
		fmt.Fprint(w, "data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n")
		fmt.Fprint(w, "data: {\"id\":\"x\",\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2,\"total_tokens\":9,\"prompt_tokens_details\":{\"cached_tokens\":3}}}\n\ndata: [DONE]\n\n")
	}
}

func fail(status int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error":{"message":"bad thing, your header was %s","type":"t"}}`, r.Header.Get("Authorization"))
	}
}

// hangUp closes the connection, after sending some words if they are given.
func hangUp(words ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if len(words) > 0 {
			w.Header().Set("Content-Type", "text/event-stream")
			for _, word := range words {
				fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%q}}]}\n\n", word)
			}
			w.(http.Flusher).Flush()
		}
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			c.Close()
		}
	}
}

func (f *fake) ask(ctx context.Context) (string, model.Result, error) {
	var b strings.Builder
	res, err := f.p.Stream(ctx, model.Request{System: "sys", Messages: []model.Message{model.TextMessage(model.User, "hi")}}, func(e model.Event) error {
		if text, ok := e.(model.TextDelta); ok {
			b.WriteString(string(text))
		}
		return nil
	})
	return b.String(), res, err
}

func TestStreamsTheAnswerWithUsage(t *testing.T) {
	var body, auth string
	f := newFake(t, Options{Key: canary}, func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		body, auth = string(data), r.Header.Get("Authorization")
		say("Hel", "lo")(w, r)
	})
	text, res, err := f.ask(t.Context())
	if err != nil || text != "Hello" || res.Finish != model.FinishStop || res.Usage != (model.Usage{Input: 7, Output: 2}) {
		t.Fatalf("%q %+v %v", text, res, err)
	}
	if auth != "Bearer "+canary || !strings.Contains(body, `"role":"system"`) || !strings.Contains(body, `"stream":true`) || !strings.Contains(body, `"model":"m1"`) {
		t.Errorf("%s %s", auth, body)
	}
}

func TestEnvironmentKeysReachNoServerByThemselves(t *testing.T) {
	for _, v := range []string{"OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"} {
		t.Setenv(v, canary)
	}
	t.Setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
	f := newFake(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		for k, v := range r.Header {
			if strings.Contains(strings.Join(v, " "), canary) {
				t.Errorf("%s: %s", k, v)
			}
		}
		say("ok")(w, r)
	})
	if _, _, err := f.ask(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestTriesAgainBeforeTheFirstToken(t *testing.T) {
	f := newFake(t, Options{MaxRetries: 4}, fail(429, "Retry-After", "3"), fail(503), hangUp(), fail(500, "retry-after-ms", "9000"), say("ok"))
	text, _, err := f.ask(t.Context())
	if err != nil || text != "ok" || f.hits.Load() != 5 {
		t.Fatalf("%q %v after %d requests", text, err, f.hits.Load())
	}
	if len(f.slept) != 4 || f.slept[0] != 3*time.Second || f.slept[1] > time.Second || f.slept[3] != 9*time.Second {
		t.Errorf("waited %v", f.slept)
	}
}

func TestFailuresAreTypedAndHoldNoSecret(t *testing.T) {
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		kind    model.Kind
		hits    int32
		says    string
	}{
		{"rate limit", fail(429), model.RateLimited, 3, "rate limiting"},
		{"long rate limit", fail(429, "Retry-After", "3600"), model.RateLimited, 1, "rate limiting"},
		{"broken", fail(500), model.Unavailable, 3, "HTTP 500"},
		{"wrong key", fail(401), model.Refused, 1, "KEY in /home/.env"},
		{"wrong model", fail(404), model.Refused, 1, `"m1"`},
		{"bad request", fail(400), model.BadRequest, 1, "bad thing"},
		{"no HTTP", hangUp(), model.Unavailable, 3, "model provider"},
		{"stream cut short", hangUp("a"), model.Unavailable, 1, "model provider"},
		{"error in stream", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprintf(w, "data: {\"error\":{\"message\":\"nope %s\",\"type\":\"t\"}}\n\n", canary)
		}, model.Unavailable, 1, "nope"},
		{"no JSON", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<html>hello</html>") }, model.Unavailable, 3, "model provider"},
	} {
		f := newFake(t, Options{MaxRetries: 2, Key: canary}, c.handler)
		_, _, err := f.ask(t.Context())
		var me *model.Error
		if !errors.As(err, &me) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if me.Kind != c.kind || f.hits.Load() != c.hits || !strings.Contains(me.Msg, c.says) {
			t.Errorf("%s: %s after %d requests: %s", c.name, me.Kind, f.hits.Load(), me.Msg)
		}
		if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), canary) {
			t.Errorf("%s: holds the key: %#v", c.name, err)
		}
	}
}

func TestUnreachableServerIsNamedWithoutItsSecrets(t *testing.T) {
	p := New(Options{BaseURL: "http://user:" + canary + "@127.0.0.1:1/v1?k=" + canary, Model: "m"})
	defer p.Close()
	_, err := p.Stream(t.Context(), model.Request{Messages: []model.Message{model.TextMessage(model.User, "x")}}, func(model.Event) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") || strings.Contains(err.Error(), canary) {
		t.Fatal(err)
	}
}

func TestShownTextIsNeverTakenBack(t *testing.T) {
	f := newFake(t, Options{MaxRetries: 5}, hangUp("one "), say("two"))
	text, _, err := f.ask(t.Context())
	if err == nil || text != "one " || f.hits.Load() != 1 {
		t.Fatalf("%q %v after %d requests", text, err, f.hits.Load())
	}
}

func TestCancelEndsASilentServerAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := newFake(t, Options{MaxRetries: 5}, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // net/http notices that the client has gone only after the body was read
		cancel()
		<-r.Context().Done()
	})
	if _, _, err := f.ask(ctx); !errors.Is(err, context.Canceled) || f.hits.Load() != 1 {
		t.Fatalf("%v after %d requests", err, f.hits.Load())
	}
}

func TestSilentServerIsGivenUp(t *testing.T) {
	f := newFake(t, Options{MaxRetries: 5, Stall: 30 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	_, _, err := f.ask(t.Context())
	var me *model.Error
	if !errors.As(err, &me) || me.Kind != model.Unavailable || !strings.Contains(me.Msg, "silent") || f.hits.Load() != 1 {
		t.Fatalf("%v after %d requests", err, f.hits.Load())
	}
}

// TestAServerThatThinksIsNotSilent, whatever field of the answer it sends its reasoning in.
func TestAServerThatThinksIsNotSilent(t *testing.T) {
	t.Parallel()
	const stall, pieces = 2 * time.Second, 10
	for name, piece := range map[string]string{
		"reasoning_content": `data: {"choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]}` + "\n\n",
		"another field":     `data: {"choices":[{"index":0,"delta":{"thinking":"hm"}}]}` + "\n\n",
		"comments":          ": PROCESSING\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, Options{Stall: stall}, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				tick := time.NewTicker(stall / pieces * 5 / 4)
				defer tick.Stop()
				for range pieces {
					<-tick.C
					fmt.Fprint(w, piece)
					w.(http.Flusher).Flush()
				}
				say("thought")(w, r)
			})
			if text, _, err := f.ask(t.Context()); err != nil || text != "thought" {
				t.Errorf("%q %v", text, err)
			}
		})
	}
}

func TestEmitErrorEndsTheAnswer(t *testing.T) {
	gone := errors.New("gone")
	f := newFake(t, Options{MaxRetries: 5}, say("a", "b"))
	_, err := f.p.Stream(t.Context(), model.Request{Messages: []model.Message{model.TextMessage(model.User, "x")}}, func(model.Event) error { return gone })
	if err != gone || f.hits.Load() != 1 {
		t.Fatal(err)
	}
}
