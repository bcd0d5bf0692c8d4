package dashboard

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"hermes/internal/dashboard/api"
	"hermes/internal/dashboard/backend"
	"hermes/internal/profile"
	"hermes/internal/store"
)

// described is the API with its description, which every answer is compared with.
type described struct {
	t      *testing.T
	srv    *httptest.Server
	router routers.Router
	seen   map[string]bool // operations that answered well
}

// lively is a home in which there is something of everything.
func lively(t *testing.T) backend.Options {
	t.Helper()
	f := home(t, map[string]string{"coder": `{"gateway_state":"startup_failed","exit_reason":"no model","desired_state":"running"}`})
	h := f.Store.Home(mustName(t, "coder"))
	db, err := store.Open(t.Context(), h.Database())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Append(t.Context(), "s1", store.Message{Role: "user", Content: "hello"}, store.Message{Role: "assistant", Content: "hel", Interrupted: true}); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		filepath.Join(h.LogDir(), "current"):                        "2026-11-24 03:03:15.023890181  level=INFO msg=starting\n2026-11-24 03:03:15.123890181  level=WARN msg=\"odd \x1b[31m\"\nno time\n",
		filepath.Join(f.Store.Root(), "logs", "container-boot.log"): "2026-11-24T03:03:15Z profile=coder prior_state=running action=started\n",
		filepath.Join(f.Store.Root(), "profiles", "Bad", "SOUL.md"): "",
		h.Config(): "model:\n  provider: echo\n",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func mustName(t *testing.T, s string) profile.Name {
	t.Helper()
	n, err := profile.ParseName(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func describe(t *testing.T) *described {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.Document)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &described{t: t, srv: serve(t, locked, lively(t)), router: router, seen: map[string]bool{}}
}

// call sends a request and compares the answer with the description.
func (d *described) call(method, path, body string, want int) map[string]any {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.srv.URL+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	req.SetBasicAuth("ann", password)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := d.srv.Client().Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	if resp.StatusCode != want {
		d.t.Errorf("%s %s: %s, want %d: %s", method, path, resp.Status, want, data)
	}
	route, params, err := d.router.FindRoute(req)
	if err != nil {
		d.t.Fatalf("%s %s is not described: %v", method, path, err)
	}
	in := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route}
	err = openapi3filter.ValidateResponse(d.t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header, Body: io.NopCloser(bytes.NewReader(data)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		d.t.Errorf("%s %s: %v\n%s", method, path, err, data)
	}
	if want == http.StatusOK {
		d.seen[route.Operation.OperationID] = true
	}
	var v map[string]any
	if err := json.Unmarshal(data, &v); err != nil {
		d.t.Errorf("%s %s: %v", method, path, err)
	}
	return v
}

func TestTheAPIIsWhatItsDescriptionSays(t *testing.T) {
	d := describe(t)
	const coder = "/api/v1/profiles/coder"
	if v := d.call("GET", "/api/v1/profiles", "", 200); len(v["profiles"].([]any)) != 2 || len(v["broken"].([]any)) != 1 || v["control"] != false {
		t.Errorf("%v", v)
	}
	if v := d.call("GET", coder, "", 200); v["state"] != "startup_failed" || v["reason"] != "no model" || len(v["history"].([]any)) != 1 {
		t.Errorf("%v", v)
	}
	d.call("GET", "/api/v1/version", "", 200)
	if v := d.call("GET", coder+"/log?level=WARN", "", 200); len(v["lines"].([]any)) != 1 || strings.Contains(fmt.Sprint(v), "\x1b") {
		t.Errorf("%v", v)
	}
	config := d.call("GET", coder+"/config", "", 200)
	save := func(text string, want int) {
		body, err := json.Marshal(map[string]any{"text": text, "tag": config["tag"]})
		if err != nil {
			t.Fatal(err)
		}
		d.call("PUT", coder+"/config", string(body), want)
	}
	save("model:\n  provider: nobody\n", 422)
	save("model:\n  provider: echo\n  max_retries: 1\n", 200)
	save("model:\n  provider: echo\n", 412)
	soul := d.call("GET", coder+"/soul", "", 200)
	d.call("PUT", coder+"/soul", fmt.Sprintf(`{"text":"I am new","tag":%q}`, soul["tag"]), 200)
	d.call("PUT", coder+"/variables/OPENAI_API_KEY", `{"value":"5ecret"}`, 200)
	if v := d.call("GET", coder+"/variables", "", 200); !strings.Contains(fmt.Sprint(v), "OPENAI_API_KEY") || strings.Contains(fmt.Sprint(v), "5ecret") {
		t.Errorf("%v", v)
	}
	d.call("DELETE", coder+"/variables/OPENAI_API_KEY", "", 200)
	d.call("DELETE", coder+"/variables/OPENAI_API_KEY", "", 422)
	if v := d.call("GET", coder+"/sessions", "", 200); len(v["sessions"].([]any)) != 1 || len(v["broken_off"].([]any)) != 1 || len(v["usage"].([]any)) != backend.UsageDays {
		t.Errorf("%v", v)
	}
	d.call("GET", coder+"/sessions/s1", "", 200)
	d.call("GET", coder+"/sessions/s2", "", 404)
	for body, want := range map[string]int{
		`{}`: 422, `{"older_than":"3m"}`: 422, `{"keep_messages":-1}`: 422, `{"older_than":"90d","x":1}`: 400, `{"older_than":"90d"}`: 200,
	} {
		d.call("POST", coder+"/sessions/prune", body, want)
	}
	for _, dry := range []bool{true, false} {
		if v := d.call("POST", coder+"/sessions/prune", fmt.Sprintf(`{"keep_messages":1,"dry_run":%t}`, dry), 200); v["messages"] != 1.0 || v["sessions"] != 0.0 {
			t.Errorf("%v", v)
		}
	}
	d.call("POST", "/api/v1/profiles/default/sessions/prune", `{"older_than":"1d"}`, 200)
	d.call("DELETE", coder+"/sessions/s1", "", 200)
	d.call("DELETE", coder+"/sessions/s1", "", 404)
	d.call("DELETE", "/api/v1/profiles/default/sessions/s1", "", 404)
	d.call("GET", coder+"/sessions/s1", "", 404)
	d.call("POST", coder+"/chat", `{"session":"s1","message":"hello"}`, 502)
	d.call("POST", coder+"/chat", `{"session":"s1","message":""}`, 422)
	for _, action := range []string{coder + "/start", coder + "/stop", coder + "/restart", "/api/v1/all/stop", "/api/v1/all/restart"} {
		if v := d.call("POST", action, "", 503); !strings.Contains(fmt.Sprint(v), "no_control") {
			t.Errorf("%v", v)
		}
	}
	d.call("POST", "/api/v1/profiles", `{"name":"new","from":"coder"}`, 200)
	d.call("POST", "/api/v1/profiles", `{"name":"new"}`, 409)
	d.call("POST", "/api/v1/profiles", `{"name":"../x"}`, 422)
	d.call("POST", "/api/v1/profiles", `{"name":"x","from":"nobody"}`, 404)
	d.call("POST", "/api/v1/profiles/new/rename", `{"to":"newer"}`, 200)
	d.call("DELETE", "/api/v1/profiles/newer", `{"confirm":"new"}`, 422)
	d.call("DELETE", "/api/v1/profiles/newer", `{"confirm":"newer"}`, 200)
	d.call("DELETE", "/api/v1/profiles/newer", `{"confirm":"newer"}`, 404)
	d.call("GET", "/api/v1/profiles/newer", "", 404)
	d.call("GET", "/api/v1/profiles/%2e%2e", "", 422)
	d.call("DELETE", "/api/v1/profiles/default", `{"confirm":"default"}`, 422)
	for _, only := range []string{"", "?only=actions", "?only=states"} {
		if v := d.call("GET", "/api/v1/activity"+only, "", 200); len(v["events"].([]any)) == 0 || strings.Contains(fmt.Sprint(v), "5ecret") {
			t.Errorf("%v", v)
		}
	}
	d.call("GET", "/api/v1/boot", "", 200)
	d.call("GET", "/api/v1/openapi.json", "", 200)
	for _, body := range []string{`{`, `{"nam":"x"}`, `{"name":"x"} {}`, `[]`, `{"name":1}`} {
		d.call("POST", "/api/v1/profiles", body, 400)
	}
	d.complete()
}

// complete fails if an operation is described that nobody serves, or served that nobody describes, or was never seen to
// answer well although it can here.
func (d *described) complete() {
	d.t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.Document)
	if err != nil {
		d.t.Fatal(err)
	}
	var described []string
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			described = append(described, method+" "+path)
			stream := op.Responses.Value("200").Value.Content.Get("text/event-stream") != nil
			control := op.Responses.Value("503") != nil && path != "/api/v1/profiles"
			elsewhere := []string{"chat", "examine", "mend"} // these need a gateway, or the whole command line
			if !d.seen[op.OperationID] && !stream && !control && !slices.Contains(elsewhere, op.OperationID) {
				d.t.Errorf("%s is described, and was never seen to answer", op.OperationID)
			}
		}
	}
	served := []string{"GET /api/v1/openapi.json", "GET /api/v1/events", "GET /api/v1/profiles/{name}/log/stream"}
	served = append(served, api.New(&backend.Backend{}, nil, nil).Operations()...)
	slices.Sort(described)
	slices.Sort(served)
	if !slices.Equal(described, served) {
		d.t.Errorf("described are\n%s\nserved are\n%s", strings.Join(described, "\n"), strings.Join(served, "\n"))
	}
}

func TestTheAPITakesJSONOnly(t *testing.T) {
	srv := serve(t, locked, home(t, nil))
	for kind, want := range map[string]int{"": 415, "text/plain": 415, "application/x-www-form-urlencoded": 415, "application/json; charset=utf-8": 200} {
		resp, body := get(t, srv, "/api/v1/profiles", func(r *http.Request) {
			r.Method, r.Body = "POST", io.NopCloser(strings.NewReader(`{"name":"x"}`))
			r.SetBasicAuth("ann", password)
			r.Header.Set("Content-Type", kind)
		})
		if resp.StatusCode != want {
			t.Errorf("%q: %s %s", kind, resp.Status, body)
		}
	}
	if resp, body := get(t, srv, "/api/v2/x", login("ann", password)); resp.StatusCode != 404 || !strings.Contains(body, "openapi.json") {
		t.Errorf("%s %s", resp.Status, body)
	}
}

// events reads a stream until it has seen n events.
func events(t *testing.T, srv *httptest.Server, path string, n int, then func(int)) (list []string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("ann", password)
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got := make(chan string)
	go func() {
		defer close(got)
		event := ""
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			switch name, value, _ := strings.Cut(lines.Text(), ": "); name {
			case "event":
				event = value
			case "data":
				select {
				case got <- event + " " + value:
				case <-t.Context().Done():
					return
				}
			}
		}
	}()
	for len(list) < n {
		list = append(list, within(t, fmt.Sprintf("event %d of %s", len(list)+1, path), got))
		then(len(list))
	}
	return list
}

func TestAChangeOfAStateFileIsAnEvent(t *testing.T) {
	f := home(t, map[string]string{"coder": `{"gateway_state":"stopped"}`})
	srv := serve(t, locked, f)
	h := f.Store.Home(mustName(t, "coder"))
	got := events(t, srv, "/api/v1/events", 4, func(n int) {
		var err error
		switch n {
		case 2:
			err = profile.UpdateState(t.Context(), h, func(s *profile.State) error {
				s.Gateway, s.ExitReason = profile.StateStartupFailed, "broken"
				return nil
			})
		case 3:
			err = f.Store.Delete(t.Context(), h.Name)
		}
		if err != nil {
			t.Error(err)
		}
	})
	if !strings.Contains(got[2], `"state":"startup_failed"`) || !strings.Contains(got[2], `"reason":"broken"`) || got[3] != `gone {"profile":"coder"}` {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}

func TestALineOfALogIsAnEvent(t *testing.T) {
	f := lively(t)
	srv := serve(t, locked, f)
	path := filepath.Join(f.Store.Home(mustName(t, "coder")).LogDir(), "current")
	got := events(t, srv, "/api/v1/profiles/coder/log/stream?level=WARN", 2, func(n int) {
		if n > 1 {
			return
		}
		file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer file.Close()
		fmt.Fprint(file, "2026-11-24 03:03:16.023890181  level=INFO msg=quiet\n2026-11-24 03:03:16.123890181  level=ERROR msg=loud\n")
	})
	if !strings.Contains(got[0], "odd") || strings.Contains(got[1], "quiet") || !strings.Contains(got[1], "loud") {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}
