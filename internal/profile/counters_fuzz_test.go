package profile

import (
	"testing"
)

func FuzzCounters(f *testing.F) {
	h := NewStore(f.TempDir()).Home(Default())
	for _, s := range []string{"{}", `{"turn_seconds":-1}`, `{"messages_in":1e3}`, `{"last_message":"x"}`, "null", "[]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := h.Files().WriteFile(CountersName, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if c, err := ReadCounters(h); err == nil && (c.TurnSeconds < 0 || c.TurnSeconds != c.TurnSeconds) {
			t.Errorf("%q passes as %+v", data, c)
		}
	})
}
