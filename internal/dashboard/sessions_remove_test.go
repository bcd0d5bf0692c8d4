package dashboard

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"hermes/internal/store"
)

// TestSessionsAreDeletedAndPrunedFromThePages: one by its name, old ones after they were counted. Both are recorded.
func TestSessionsAreDeletedAndPrunedFromThePages(t *testing.T) {
	f := home(t, map[string]string{"coder": `{"gateway_state":"stopped"}`})
	srv := serve(t, locked, f)
	post := func(path string, form url.Values) (int, string) {
		t.Helper()
		resp, body := get(t, srv, path, func(r *http.Request) {
			r.Method, r.Body = http.MethodPost, io.NopCloser(strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.SetBasicAuth("ann", password)
		})
		return resp.StatusCode, body
	}
	page := func(path string) string {
		t.Helper()
		_, body := get(t, srv, path, login("ann", password))
		return body
	}
	// Before anybody said anything.
	if code, body := post("/profiles/coder/session/delete", url.Values{"session": {"s"}}); code != http.StatusConflict || !strings.Contains(body, "no such session") {
		t.Errorf("%d %s", code, body)
	}
	if code, body := post("/profiles/coder/prune", url.Values{"older_than": {"90d"}}); code != http.StatusOK || !strings.Contains(body, "0 whole sessions") {
		t.Errorf("%d %s", code, body)
	}
	db, err := store.Open(t.Context(), f.Store.Home(mustName(t, "coder")).Database())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() // as a gateway that runs
	for _, id := range []string{"s/1", "s2", "s3"} {
		if err := db.Append(t.Context(), id, store.Message{Role: "user", Content: "q"}, store.Message{Role: "assistant", Content: "a"}); err != nil {
			t.Fatal(err)
		}
	}
	if body := page("/profiles/coder/session?id=s%2F1"); !strings.Contains(body, "Delete the session") {
		t.Errorf("no button:\n%s", body)
	}
	if code, body := post("/profiles/coder/session/delete", url.Values{"session": {"s/1"}}); code != http.StatusOK || !strings.Contains(body, "the session is deleted, with 2 messages") {
		t.Errorf("%d %s", code, body)
	}
	if body := page("/profiles/coder/sessions"); strings.Contains(body, "id=s%2F1") || !strings.Contains(body, "id=s2") {
		t.Errorf("the list:\n%s", body)
	}
	for query, want := range map[string]string{
		"": "keeps everything", "?keep_messages=1": "0 whole sessions, and 2 messages in all, would be deleted", "?older_than=1d": "0 whole sessions, and 0 messages",
		"?older_than=": "say which", "?older_than=3m": "older than: want", "?keep_messages=0": "messages to keep: want", "?keep_messages=x": "messages to keep: want",
	} {
		if body := page("/profiles/coder/prune" + query); !strings.Contains(body, want) || strings.Contains(body, "Delete them") != (query == "?keep_messages=1") {
			t.Errorf("%q: not %q:\n%s", query, want, body)
		}
	}
	for _, form := range []url.Values{{}, {"older_than": {"<b>"}}, {"keep_messages": {"-1"}}} {
		if code, body := post("/profiles/coder/prune", form); code != http.StatusConflict || strings.Contains(body, "<b>") {
			t.Errorf("%v: %d %s", form, code, body)
		}
	}
	if code, body := post("/profiles/coder/prune", url.Values{"keep_messages": {"1"}}); code != http.StatusOK || !strings.Contains(body, "2 messages in all, deleted") {
		t.Errorf("%d %s", code, body)
	}
	if list, err := db.History(t.Context(), "s2", 1<<10); err != nil || len(list) != 1 || list[0].Content != "a" {
		t.Errorf("%+v %v", list, err)
	}
	activity := page("/activity?only=actions")
	for _, want := range []string{"delete session", "s/1", "prune sessions", "0 sessions, 2 messages"} {
		if !strings.Contains(activity, want) {
			t.Errorf("nobody can see %q:\n%s", want, activity)
		}
	}
}
