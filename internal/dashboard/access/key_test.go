package access

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"hermes/internal/volume"
)

// TestAllGetTheSameKey: the dashboard, and who makes a link to it, may be the first at the same time.
func TestAllGetTheSameKey(t *testing.T) {
	for range 10 {
		home := volume.At(t.TempDir())
		keys := make([]string, 20)
		var all sync.WaitGroup
		for i := range keys {
			all.Go(func() {
				var err error
				if keys[i], err = Key(t.Context(), home); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		kept, err := readKey(home)
		if err != nil || kept == "" {
			t.Fatalf("%q, %v", kept, err)
		}
		for _, key := range keys {
			if key != kept {
				t.Fatalf("one has another key than the file")
			}
		}
	}
}

func TestAKeyThatIsNoneIsReplaced(t *testing.T) {
	for _, content := range []string{"", "short", "\n\n\n", string(make([]byte, 1<<20))} {
		home := volume.At(t.TempDir())
		if err := home.WriteFile(keyName, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if key, err := Key(t.Context(), home); err != nil || len(key) != 52 {
			t.Errorf("%d bytes: a key of %d characters, %v", len(content), len(key), err)
		}
	}
}

// TestTheTokenOfALinkStaysInNoAddress: a browser is sent on at once, whether the link counts or not, and tells nobody where it was.
func TestTheTokenOfALinkStaysInNoAddress(t *testing.T) {
	s := serve(t, open())
	browser := header("Accept", "text/html")
	link := Link(localKey, s.clock)
	for _, want := range []string{"/", "/login?link=old"} {
		resp, _ := s.do("GET", link, "", browser)
		if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != want || resp.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s %v, want %s", resp.Status, resp.Header, want)
		}
	}
	if _, page := s.do("GET", "/login?link=old", "", browser); !strings.Contains(page, "has been used") {
		t.Errorf("the page does not say what is wrong:\n%s", page)
	}
}
