package cli_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"hermes/internal/profile"
	"hermes/internal/store"
)

// TestAPersonIsAskedBeforeSessionsAreLost answers the question. Any other answer than the word keeps the sessions.
func TestAPersonIsAskedBeforeSessionsAreLost(t *testing.T) {
	newHome(t)
	n, err := profile.ParseName("coder")
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), profile.NewStore(os.Getenv("HERMES_HOME")).Home(n).Database())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Append(t.Context(), "s", store.Message{Role: "user", Content: strings.Repeat("x", 10), Created: time.Now()}, store.Message{Role: "assistant", Content: "y"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		answer string
		args   []string
		code   int
		said   string
	}{
		{"\n", []string{"sessions", "delete", "s"}, 1, "This deletes 1 session of profile 'coder', with everything that was said."},
		{"y\n", []string{"sessions", "delete", "s"}, 1, "that is not 'yes': nothing is deleted"},
		{"no\n", []string{"sessions", "prune", "--keep-messages", "1"}, 1, "This deletes 0 whole sessions of profile 'coder', and 1 message in all."},
		{"yes\n", []string{"sessions", "prune", "--keep-messages", "1"}, 0, "1 message in all"},
		{"yes\n", []string{"sessions", "delete", "s"}, 0, "session 's' is deleted, with 1 message"},
	} {
		person, program := terminal(t)
		if _, err := person.WriteString(c.answer); err != nil {
			t.Fatal(err)
		}
		if code, said := hermes(t, program, nil, append([]string{"-p", "coder"}, c.args...)...); code != c.code || !strings.Contains(said, c.said) {
			t.Errorf("%q to %v: code %d: %s", c.answer, c.args, code, said)
		}
	}
}
