package apiserver

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hermes/internal/conversation"
	"hermes/internal/model"
)

func TestMain(m *testing.M) {
	// If the server refuses a client that is still sending, net/http gives the client half a second to read the refusal, even after
	// the server was closed.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

const key = "hk-canary-key"

// fakeTurns is a Turner made of one function.
type fakeTurns func(ctx context.Context, r conversation.Request, emit func(string) error) (model.Result, error)

func (f fakeTurns) Turn(ctx context.Context, r conversation.Request, emit func(model.Event) error) (model.Result, error) {
	return f(ctx, r, func(text string) error { return emit(model.TextDelta(text)) })
}

func hello(_ context.Context, _ conversation.Request, emit func(string) error) (model.Result, error) {
	emit("Hel")
	emit("lo <b>")
	return model.Result{Finish: model.FinishStop, Usage: model.Usage{Input: 3, Output: 2}}, nil
}

type fixture struct {
	*Server
	url    string
	addr   string
	cancel context.CancelCauseFunc
	log    *safeBuffer
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}
func (s *safeBuffer) String() string { s.mu.Lock(); defer s.mu.Unlock(); return s.b.String() }

func serve(t *testing.T, turns fakeTurns) *fixture {
	t.Helper()
	return serveKept(t, 0, turns)
}

// serveKept is serve with a KeepAlive.
func serveKept(t *testing.T, keepAlive time.Duration, turns fakeTurns) *fixture {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	f := &fixture{url: "http://" + ln.Addr().String(), addr: ln.Addr().String(), cancel: cancel, log: &safeBuffer{}}
	f.Server = New(ctx, Options{Key: key, Model: "m1", Turns: turns, Log: slog.New(slog.NewTextHandler(f.log, nil)), KeepAlive: keepAlive})
	f.SetReasons()
	done := make(chan error)
	go func() { done <- f.Serve(ln) }()
	t.Cleanup(func() {
		f.Close()
		cancel(nil)
		if err := <-done; err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return f
}

func (f *fixture) do(t *testing.T, method, path, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, f.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, _ := io.ReadAll(res.Body)
	return res, string(data)
}

const chatPath = "/v1/chat/completions"
const ask = `{"model":"any","messages":[{"role":"user","content":"hi"}]`

func TestJSONAnswerHasOpenAIsForm(t *testing.T) {
	f := serve(t, hello)
	res, body := f.do(t, "POST", chatPath, ask+"}", "X-Hermes-Session", "s1")
	var got struct {
		ID, Object, Model string
		Created           int64
		Choices           []struct {
			Index   int
			Message struct{ Role, Content string }
			Finish  string `json:"finish_reason"`
		}
		Usage map[string]int
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || res.StatusCode != 200 || res.Header.Get("X-Hermes-Session") != "s1" {
		t.Fatal(res.Status, body, err)
	}
	if !strings.HasPrefix(got.ID, "chatcmpl-") || got.Object != "chat.completion" || got.Model != "m1" || got.Created == 0 ||
		got.Choices[0].Message.Content != "Hello <b>" || got.Choices[0].Message.Role != "assistant" || got.Choices[0].Finish != "stop" || got.Usage["total_tokens"] != 5 {
		t.Errorf("%s", body)
	}
}

func TestStreamHasOpenAIsWireFormat(t *testing.T) {
	f := serve(t, hello)
	res, body := f.do(t, "POST", chatPath, ask+`,"stream":true,"stream_options":{"include_usage":true}}`)
	if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		t.Fatal(res.Header)
	}
	lines := strings.Split(strings.TrimSuffix(body, "\n\n"), "\n\n")
	wants := []string{
		`"choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"usage":null}`,
		`"choices":[{"index":0,"delta":{"content":"Hel"},"logprobs":null,"finish_reason":null}],"usage":null}`,
		`"choices":[{"index":0,"delta":{"content":"lo <b>"},"logprobs":null,"finish_reason":null}],"usage":null}`,
		`"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}`,
		`"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}`,
		`data: [DONE]`,
	}
	if len(lines) != len(wants) {
		t.Fatalf("%q", lines)
	}
	for i, want := range wants {
		if !strings.HasPrefix(lines[i], "data: ") || !strings.HasSuffix(lines[i], want) {
			t.Errorf("event %d: got %s, want ...%s", i, lines[i], want)
		}
	}
	if _, body := f.do(t, "POST", chatPath, ask+`,"stream":true}`); strings.Contains(body, "usage") {
		t.Error("usage that nobody asked for")
	}
}

func TestEveryPieceIsFlushed(t *testing.T) {
	more := make(chan struct{})
	f := serve(t, func(_ context.Context, _ conversation.Request, emit func(string) error) (model.Result, error) {
		emit("first")
		<-more // the model sends the second word only after the client has read the first
		return model.Result{Finish: model.FinishStop}, emit("second")
	})
	req, _ := http.NewRequestWithContext(t.Context(), "POST", f.url+chatPath, strings.NewReader(ask+`,"stream":true}`))
	req.Header.Set("Authorization", "bearer "+key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() && !strings.Contains(lines.Text(), "first") {
	}
	if lines.Err() != nil {
		t.Fatal(lines.Err())
	}
	close(more)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "DONE") {
			return
		}
	}
	t.Error("the stream has no end")
}

// open sends a request for a stream and returns when the headers of the answer have come.
func (f *fixture) open(t *testing.T) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "POST", f.url+chatPath, strings.NewReader(ask+`,"stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// TestAStreamIsNeverSilentForLong: the headers come before the model's first word, and comments come for as long as the model
// thinks.
func TestAStreamIsNeverSilentForLong(t *testing.T) {
	speak := make(chan struct{})
	f := serveKept(t, time.Millisecond, func(_ context.Context, r conversation.Request, emit func(string) error) (model.Result, error) {
		r.Begun()
		<-speak
		return model.Result{Finish: model.FinishStop}, emit("at last")
	})
	res := f.open(t)
	if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") || res.Header.Get("X-Accel-Buffering") != "no" {
		t.Fatal(res.Status, res.Header)
	}
	lines := bufio.NewScanner(res.Body)
	if !lines.Scan() || !strings.Contains(lines.Text(), `"role":"assistant"`) {
		t.Fatalf("it begins with %q", lines.Text())
	}
	for comments := 0; comments < 3 && lines.Scan(); {
		switch line := lines.Text(); {
		case strings.HasPrefix(line, ":"):
			comments++
		case line != "":
			t.Fatalf("while the model thinks: %q", line)
		}
	}
	close(speak)
	var rest []string
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "data: ") {
			rest = append(rest, lines.Text())
		}
	}
	if len(rest) != 3 || !strings.Contains(rest[0], "at last") || rest[2] != "data: [DONE]" {
		t.Errorf("then %q, %v", rest, lines.Err())
	}
}

// TestCommentsStandBetweenEvents: a comment never splits an event, however fast both come.
func TestCommentsStandBetweenEvents(t *testing.T) {
	const words = 2000
	f := serveKept(t, time.Nanosecond, func(_ context.Context, r conversation.Request, emit func(string) error) (model.Result, error) {
		r.Begun()
		for range words {
			if err := emit("word "); err != nil {
				return model.Result{}, err
			}
		}
		return model.Result{Finish: model.FinishStop}, nil
	})
	res := f.open(t)
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, block := range strings.Split(strings.TrimSuffix(string(body), "\n\n"), "\n\n") {
		data, event := strings.CutPrefix(block, "data: ")
		switch {
		case block == ": keep-alive":
			seen["comments"]++
		case block == "data: [DONE]":
			seen["ends"]++
		case event && json.Valid([]byte(data)):
			seen["events"]++
		default:
			t.Fatalf("%q is no event", block)
		}
	}
	if seen["events"] != words+2 || seen["ends"] != 1 || !bytes.HasSuffix(body, []byte("data: [DONE]\n\n")) {
		t.Errorf("%v, at the end %q", seen, body[max(0, len(body)-80):])
	}
}

func TestAFailureOfATurnThatBeganIsAnEvent(t *testing.T) {
	f := serve(t, func(_ context.Context, r conversation.Request, _ func(string) error) (model.Result, error) {
		r.Begun()
		return model.Result{}, &model.Error{Kind: model.RateLimited, Msg: "slow down"}
	})
	res := f.open(t)
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != 200 || !strings.HasSuffix(string(body), `data: {"error":{"message":"slow down","type":"rate_limit_error","param":null,"code":"model_rate_limited"}}`+"\n\n") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

func TestRefusalsHaveOpenAIsForm(t *testing.T) {
	f := serve(t, hello)
	for _, c := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		says                     string
	}{
		{"no key", "POST", chatPath, ask + "}", []string{"Authorization", ""}, 401, "API_SERVER_KEY"},
		{"wrong key", "GET", "/v1/models", "", []string{"Authorization", "Bearer wrong-canary"}, 401, "API_SERVER_KEY"},
		{"key as basic", "GET", "/v1/models", "", []string{"Authorization", "Basic " + key}, 401, "API_SERVER_KEY"},
		{"unknown path without a key", "GET", "/v1/nothing", "", []string{"Authorization", ""}, 401, "API_SERVER_KEY"},
		{"unknown path", "GET", "/v1/nothing", "", nil, 404, "path"},
		{"unknown path outside", "GET", "/", "", nil, 404, "path"},
		{"wrong method", "GET", chatPath, "", nil, 405, "POST"},
		{"wrong method on health", "POST", "/health", "", nil, 405, "GET"},
		{"empty body", "POST", chatPath, "", nil, 400, "JSON"},
		{"half JSON", "POST", chatPath, ask, nil, 400, "JSON"},
		{"array", "POST", chatPath, "[]", nil, 400, "JSON object"},
		{"wrong type", "POST", chatPath, `{"messages":"x"}`, nil, 400, "messages: want an array"},
		{"wrong type inside", "POST", chatPath, `{"stream_options":{"include_usage":1}}`, nil, 400, "stream_options.include_usage"},
		{"no messages", "POST", chatPath, `{}`, nil, 400, "messages"},
		{"null message", "POST", chatPath, `{"messages":[null]}`, nil, 400, "messages[0]"},
		{"role", "POST", chatPath, `{"messages":[{"role":"tool","content":"x"}]}`, nil, 400, "messages[0].role"},
		{"image", "POST", chatPath, `{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}`, nil, 400, "messages[0].content[0].type"},
		{"content", "POST", chatPath, `{"messages":[{"role":"user","content":7}]}`, nil, 400, "messages[0].content"},
		{"nothing said", "POST", chatPath, `{"messages":[{"role":"user","content":""}]}`, nil, 400, "messages"},
		{"assistant last", "POST", chatPath, `{"messages":[{"role":"assistant","content":"x"}]}`, nil, 400, "messages"},
		{"n", "POST", chatPath, ask + `,"n":2}`, nil, 400, "n: "},
		{"temperature", "POST", chatPath, ask + `,"temperature":9}`, nil, 400, "temperature"},
		{"max_tokens", "POST", chatPath, ask + `,"max_tokens":0}`, nil, 400, "max_tokens"},
		{"session", "POST", chatPath, ask + "}", []string{"X-Hermes-Session", strings.Repeat("x", 129)}, 400, "X-Hermes-Session"},
		{"empty session", "POST", chatPath, ask + "}", []string{"X-Hermes-Session", ""}, 400, "X-Hermes-Session"},
		{"too large", "POST", chatPath, `{"messages":[{"role":"user","content":"` + strings.Repeat("x", maxBody) + `"}]}`, nil, 413, "bytes"},
	} {
		res, body := f.do(t, c.method, c.path, c.body, c.header...)
		var got struct {
			Error struct {
				Message, Type string
				Code          *string
			}
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil || got.Error.Type == "" || got.Error.Code == nil {
			t.Errorf("%s: %v %s", c.name, err, body)
		}
		if res.StatusCode != c.status || !strings.Contains(got.Error.Message, c.says) || strings.Contains(body, "canary") {
			t.Errorf("%s: %d %s", c.name, res.StatusCode, body)
		}
		if c.status == 405 && res.Header.Get("Allow") == "" {
			t.Errorf("%s: no Allow", c.name)
		}
	}
}

func TestContentMayBeTextParts(t *testing.T) {
	var got conversation.Request
	f := serve(t, func(ctx context.Context, r conversation.Request, emit func(string) error) (model.Result, error) {
		got = r
		return hello(ctx, r, emit)
	})
	f.do(t, "POST", chatPath, `{"tools":[{}],"max_tokens":5,"messages":[{"role":"system","content":"S"},{"role":"assistant","content":null},{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}`)
	if got.System != "S" || len(got.Messages) != 2 || got.Messages[1].Text() != "ab" || *got.Params.MaxTokens != 5 {
		t.Errorf("%+v", got)
	}
}

func TestFailuresBecomeStatusesAndHideTheirCause(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		after  string
		says   string
	}{
		{&model.Error{Kind: model.RateLimited, Msg: "slow down", RetryAfter: 1500 * time.Millisecond}, 429, "2", "slow down"},
		{&model.Error{Kind: model.Refused, Msg: "check X"}, 502, "", "check X"},
		{&model.Error{Kind: model.BadRequest, Msg: "too long"}, 400, "", "too long"},
		{&model.Error{Kind: model.Unavailable, Msg: "HTTP 500"}, 502, "", "HTTP 500"},
		{&conversation.SaveError{Err: errors.New("disk canary")}, 503, "5", "session"},
		{conversation.ErrBusy, 429, "1", "waiting"},
		{conversation.ErrDraining, 503, "2", "shutting down"},
		{errors.New("canary"), 500, "", "internal error"},
	} {
		f := serve(t, func(context.Context, conversation.Request, func(string) error) (model.Result, error) {
			return model.Result{}, c.err
		})
		for _, body := range []string{ask + "}", ask + `,"stream":true}`} {
			res, text := f.do(t, "POST", chatPath, body)
			if res.StatusCode != c.status || res.Header.Get("Retry-After") != c.after || !strings.Contains(text, c.says) || strings.Contains(text, "canary") {
				t.Errorf("%v: %d %q %s", c.err, res.StatusCode, res.Header.Get("Retry-After"), text)
			}
		}
	}
}

func TestFailureInsideAStreamIsAnEventAndNoDone(t *testing.T) {
	f := serve(t, func(_ context.Context, _ conversation.Request, emit func(string) error) (model.Result, error) {
		emit("half")
		return model.Result{}, &model.Error{Kind: model.Unavailable, Msg: "broke"}
	})
	_, body := f.do(t, "POST", chatPath, ask+`,"stream":true}`)
	if !strings.HasSuffix(body, `data: {"error":{"message":"broke","type":"server_error","param":null,"code":"model_unavailable"}}`+"\n\n") || strings.Contains(body, "DONE") {
		t.Error(body)
	}
}

func TestBugInOneRequestIsNobodyElses(t *testing.T) {
	f := serve(t, func(context.Context, conversation.Request, func(string) error) (model.Result, error) {
		panic("canary " + key)
	})
	if res, body := f.do(t, "POST", chatPath, ask+"}"); res.StatusCode != 500 || strings.Contains(body, "canary") {
		t.Error(res.Status, body)
	}
	if strings.Contains(f.log.String(), key) {
		t.Error(f.log.String())
	}
	if res, _ := f.do(t, "GET", "/health", ""); res.StatusCode != 200 {
		t.Error(res.Status)
	}
}

func TestReadyTellsWhyNot(t *testing.T) {
	f := serve(t, hello)
	if res, _ := f.do(t, "GET", "/ready", "", "Authorization", ""); res.StatusCode != 200 {
		t.Error(res.Status)
	}
	f.SetReasons(Draining)
	res, body := f.do(t, "GET", "/ready", "")
	if res.StatusCode != 503 || !strings.Contains(body, `"reasons":["draining"]`) {
		t.Error(res.Status, body)
	}
	if res, body := f.do(t, "POST", chatPath, ask+"}"); res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
		t.Error(res.Status, body)
	}
	f.SetReasons("starting")
	if res, body := f.do(t, "POST", chatPath, ask+"}"); res.StatusCode != 503 || !strings.Contains(body, "starting") {
		t.Error(res.Status, body)
	}
	for _, path := range []string{"/health", "/v1/models"} {
		if res, body := f.do(t, "GET", path, ""); res.StatusCode != 200 {
			t.Error(path, res.Status, body)
		}
	}
}

func TestClientThatGoesAwayCancelsItsTurn(t *testing.T) {
	begun, ended := make(chan struct{}, 2), make(chan error, 2)
	f := serve(t, func(ctx context.Context, r conversation.Request, emit func(string) error) (model.Result, error) {
		emit("x")
		begun <- struct{}{}
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return model.Result{}, ctx.Err()
	})
	for _, body := range []string{ask + "}", ask + `,"stream":true}`} {
		conn, err := net.Dial("tcp", f.addr)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", chatPath, key, len(body), body)
		<-begun
		conn.Close()
		select {
		case err := <-ended:
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the turn goes on without its client")
		}
	}
}

func TestBrokenOffAnswerSaysThatTheGatewayShutsDown(t *testing.T) {
	var f *fixture
	f = serve(t, func(ctx context.Context, _ conversation.Request, emit func(string) error) (model.Result, error) {
		emit("half")
		f.cancel(conversation.ErrDraining)
		<-ctx.Done()
		return model.Result{}, ctx.Err()
	})
	if _, body := f.do(t, "POST", chatPath, ask+`,"stream":true}`); !strings.Contains(body, `"code":"draining"`) {
		t.Error(body)
	}
}

func TestCloseDoesNotWaitForSilentConnections(t *testing.T) {
	f := serve(t, hello)
	conn, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	f.do(t, "GET", "/health", "") // the listener accepts in order, so conn was accepted before this request
	f.closing = time.Hour         // longer than the test may take
	f.Close()
}
