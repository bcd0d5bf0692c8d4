package dashboard

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"hermes/internal/channel/apiserver"
	"hermes/internal/conversation"
	"hermes/internal/model"
)

// thinker is a model that thinks until somebody lets it speak.
type thinker struct {
	speak chan struct{}
	err   error
}

func (m thinker) Turn(ctx context.Context, r conversation.Request, emit func(model.Event) error) (model.Result, error) {
	r.Begun()
	select {
	case <-m.speak:
	case <-ctx.Done():
		return model.Result{}, ctx.Err()
	}
	if m.err != nil {
		return model.Result{}, m.err
	}
	return model.Result{Finish: model.FinishStop}, emit(model.TextDelta("at last"))
}

// thinking is a dashboard over a gateway whose model is m. ask sends a request and returns with the headers of the answer.
func thinking(t *testing.T, m thinker) (ask func(path, body string, header ...string) *http.Response) {
	t.Helper()
	f := home(t, map[string]string{"coder": `{}`})
	api := apiserver.New(t.Context(), apiserver.Options{Key: "k", Model: "m", Turns: m, Log: slog.New(slog.DiscardHandler), KeepAlive: time.Millisecond})
	api.SetReasons()
	standIn(t, f.Store.Home(mustName(t, "coder")), api)
	srv := serve(t, locked, f)
	return func(path, body string, header ...string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		if req.Header.Get("Authorization") == "" {
			login("ann", password)(req)
		}
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Accel-Buffering") != "no" {
			text, _ := io.ReadAll(resp.Body)
			t.Fatalf("%s %v %s", resp.Status, resp.Header, text)
		}
		return resp
	}
}

func TestTheFrontDoorIsNotSilentWhileAModelThinks(t *testing.T) {
	m := thinker{speak: make(chan struct{})}
	ask := thinking(t, m)
	resp := ask("/p/coder/v1/chat/completions", `{"stream":true,"messages":[{"role":"user","content":"hi"}]}`, "Authorization", "Bearer k")
	lines := bufio.NewScanner(resp.Body)
	for comments := 0; comments < 3 && lines.Scan(); {
		if strings.HasPrefix(lines.Text(), ":") {
			comments++
		}
	}
	close(m.speak)
	rest := ""
	for lines.Scan() {
		rest += lines.Text() + "\n"
	}
	if !strings.Contains(rest, "at last") || !strings.HasSuffix(rest, "data: [DONE]\n\n") {
		t.Errorf("%q, %v", rest, lines.Err())
	}
}

func TestTheChatIsNotSilentWhileAModelThinks(t *testing.T) {
	said := url.Values{"session": {"s1"}, "message": {"hi"}}.Encode()
	for want, err := range map[string]error{"at last": nil, "✗ slow down": &model.Error{Kind: model.RateLimited, Msg: "slow down"}} {
		m := thinker{make(chan struct{}), err}
		resp := thinking(t, m)("/profiles/coder/chat", said, "Accept", "text/plain", "Content-Type", "application/x-www-form-urlencoded")
		signs := make([]byte, 3)
		if _, err := io.ReadFull(resp.Body, signs); err != nil || string(signs) != strings.Repeat(stillThere, 3) {
			t.Fatalf("while it thinks: %q, %v", signs, err)
		}
		close(m.speak)
		rest, err := io.ReadAll(resp.Body)
		if got := strings.ReplaceAll(string(rest), stillThere, ""); err != nil || got != want {
			t.Errorf("then %q, %v, want %q", got, err, want)
		}
	}
}
