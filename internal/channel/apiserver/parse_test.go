package apiserver

import (
	"bytes"
	"testing"
)

func FuzzParseChat(f *testing.F) {
	for _, s := range []string{ask + "}", `{}`, `[]`, `{"messages":[null]}`, `{"messages":[{"role":"user","content":[{"type":"text","text":"x"}]}],"n":1,"stream":true}`,
		`{"messages":[{"role":"system","content":"\ud800"}],"temperature":1e999}`, "\xff"} {
		f.Add([]byte(s), "session")
	}
	f.Fuzz(func(t *testing.T, body []byte, session string) {
		c, err := parseChat(bytes.NewReader(body), []string{session})
		if err != nil {
			e, ok := err.(*apiError)
			if !ok || e.status < 400 || e.status > 499 || e.Message == "" {
				t.Fatalf("%#v", err)
			}
			return
		}
		if c.turn.NewWords() == "" || c.turn.Session == "" {
			t.Fatalf("accepted %q", body)
		}
	})
}
