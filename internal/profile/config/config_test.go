package config

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"

	"hermes/internal/profile"
	"hermes/internal/profile/profiletest"
)

func TestWithoutAFileTheDefaultsHold(t *testing.T) {
	c, err := Load(profiletest.Home(t))
	if err != nil {
		t.Fatal(err)
	}
	if c.Model.Provider != "echo" || *c.Model.MaxRetries != DefaultMaxRetries || c.Gateway.Drain() != 20*time.Second || c.APIServer.Port != 0 {
		t.Errorf("got %+v", c)
	}
}

func TestAFullConfigIsRead(t *testing.T) {
	h := profiletest.Home(t)
	text := "model:\n  provider: openai\n  name: m\n  base_url: http://127.0.0.1:1/v1\n  api_key_env: MY_KEY\n  max_retries: 0\n" +
		"api_server: {host: 0.0.0.0, port: 9000}\ngateway:\n  drain_timeout: 1m30s\n"
	if err := os.WriteFile(h.Config(), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := Load(h)
	if err != nil {
		t.Fatal(err)
	}
	if c.Model.Name != "m" || c.Model.APIKeyEnv != "MY_KEY" || *c.Model.MaxRetries != 0 || c.APIServer.Host != "0.0.0.0" ||
		c.APIServer.Port != 9000 || c.Gateway.Drain() != 90*time.Second {
		t.Errorf("got %+v", c)
	}
}

func TestAModelsNameAloneMeansOpenAI(t *testing.T) {
	c, err := parseConfig("f", []byte("model: {name: m}"))
	if err != nil || c.Model.Provider != "openai" || c.Model.BaseURL != DefaultOpenAIBaseURL || c.Model.APIKeyEnv != "OPENAI_API_KEY" {
		t.Errorf("got %+v, %v", c.Model, err)
	}
}

func TestEveryConfigErrorNamesFileLineAndKey(t *testing.T) {
	for text, want := range map[string]string{
		"model:\n  provider: gpt\n":                   ":2: model.provider: unknown provider; use openai or echo",
		"\n\nmodel:\n  provider: openai\n":            ":4: model.provider: provider openai needs model.name",
		"model:\n  base_url: ftp://x\n":               ":2: model.base_url: want a URL like http://host:port/v1",
		"model:\n  max_retries: 21\n":                 ":2: model.max_retries: want 0 to 20",
		"model:\n  max_retries: -1\n":                 ":2: model.max_retries: want 0 to 20",
		"api_server:\n  host: x\n  port: 65536\n":     ":3: api_server.port: want 1 to 65535",
		"api_server:\n  port: lots\n":                 ":2: api_server.port: want a number",
		"api_server:\n  port: 99999999999999999999\n": ":2: api_server.port: the number is too large",
		"gateway:\n  drain_timeout: soon\n":           ":2: gateway.drain_timeout: want a duration like 20s or 1m30s, at most 15m0s",
		"gateway:\n  drain_timeout: 16m\n":            ":2: gateway.drain_timeout: want a duration like 20s or 1m30s, at most 15m0s",
		"gateway:\n  drain_timeout: -1s\n":            ":2: gateway.drain_timeout: want a duration like 20s or 1m30s, at most 15m0s",
		"model:\n  colour: red\n":                     ":2: model.colour: unknown key",
		"modle:\n  name: x\n":                         ":1: modle: unknown key",
		"model:\n  name: a\n  name: b\n":              ":3: model.name: the key is there twice",
		"model:\n  name: [a]\n":                       ":2: model.name: want a text",
		"model:\n  name: \"open\n":                    ":2: a quote is not closed",
		"a: 1\n" + "b: " + strings.Repeat("[", 1<<19): ":2: too many levels",
		"a:\n" + strings.Repeat("- ", 1<<18) + "x\n":  ":2: too many levels",
		strings.Repeat("{a: ", 1<<17):                 ":1: too many levels",
	} {
		began := time.Now()
		_, err := parseConfig("/h/config.yaml", []byte(text))
		var wrong *profile.ConfigError
		if !errors.As(err, &wrong) || err.Error() != "/h/config.yaml"+want {
			t.Errorf("%.60q:\n got %.300v\nwant /h/config.yaml%s", text, err, want)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%.60q takes %s: one profile would hold up a whole boot", text, took)
		}
	}
}

func TestAnEnormousConfigHoldsUpNobody(t *testing.T) {
	h := profiletest.Home(t)
	var keys strings.Builder
	for i := 0; keys.Len() < 1<<20-20; i++ {
		fmt.Fprintf(&keys, "k%d: 1\n", i)
	}
	for what, text := range map[string]string{"at the limit": keys.String()[:MaxSize], "over it": keys.String()} {
		if err := os.WriteFile(h.Config(), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err := Load(h)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: it takes %s", what, took)
		}
		if err == nil || !strings.HasPrefix(err.Error(), h.Config()) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestNoConfigErrorShowsAValue(t *testing.T) {
	const secret = "sk-5ecret"
	for _, text := range []string{
		"model: S\n", "model: [S]\n", "S\n", "- S\n", "model:\n  name: *S\n", "model:\n  name: \"S\n", "model:\n  name: 'S\n",
		"model:\n  name: [S]\n", "model:\n  name: {k: S}\n", "model:\n  max_retries: S\n", "model:\n  provider: S\n", "model:\n  base_url: S\n",
		"model:\n  base_url: \"http://u:S@ /\"\n", "gateway:\n  drain_timeout: S\n", "api_server:\n  port: S\n", "model:\n  key: S\n",
		"model:\n\tname: S\n", "model:\n  name: &S\n", "model:\n  name: !!int S\n", "model:\n  name: \"\\x\"S\n", "model:\n  name: %S\n",
		"model:\n  name: @S\n", "model:\n  name: `S`\n", "model:\n  name: >S\n", "model:\n  name: |S\n x\n", "%S\n---\n", "model:\n  <<: *S\n",
	} {
		_, err := parseConfig("/h/config.yaml", []byte(strings.ReplaceAll(text, "S", secret)))
		if err != nil && strings.Contains(err.Error(), "5ecret") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestATabIsNamed: the message says "a tab", instead of showing a character that nobody typed.
func TestATabIsNamed(t *testing.T) {
	for _, text := range []string{"\tmodel: x\n", "model:\n\tname: x\n", "model:\n  name: x\n\tprovider: y\n", "a: |\n\tx\n", "model:\n  - \tx: y\n"} {
		if _, err := parseConfig("f", []byte(text)); err == nil || !strings.Contains(err.Error(), "a tab") || strings.ContainsAny(err.Error(), "\t\ufffd") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if got := printable("a\tb\nc\x1bd"); got != "a b c\ufffdd" {
		t.Errorf("%q", got)
	}
}

func FuzzParseConfig(f *testing.F) {
	for _, s := range []string{"", "model: {name: m}\n", "api_server:\n  port: 1\n", "a: &a [*a]", "? x\n: y", "- -\n", "\t", "<<: *x", "model: !!binary x",
		"---\n---\n", "%YAML 1.2\n", "model:\n  max_retries: 0x7\n", "{[}]", "\"\\ud800\"", "a: |+9\n", "gateway: {drain_timeout: 1h}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		hung := time.AfterFunc(3*time.Second, func() { panic(fmt.Sprintf("%q hangs", data)) })
		c, err := parseConfig("/h/config.yaml", data)
		hung.Stop()
		var wrong *profile.ConfigError
		switch {
		case err != nil && !errors.As(err, &wrong):
			t.Errorf("%q: %T %v", data, err, err)
		case err != nil && !strings.HasPrefix(err.Error(), "/h/config.yaml"):
			t.Errorf("%q: the file is not named: %v", data, err)
		case err == nil && (c.Gateway.Drain() < 0 || c.Gateway.Drain() > MaxDrainTimeout || c.APIServer.Port < 0 || c.APIServer.Port > 65535 || c.Model.MaxRetries == nil):
			t.Errorf("%q passed as %+v", data, c)
		}
	})
}

// TestConfigErrorRepeatsNoBinary: no control character gets from a file that is not YAML into a message.
func TestConfigErrorRepeatsNoBinary(t *testing.T) {
	for _, text := range []string{"\x1b[31mred: [", "a\x14b: 1", "\u009b31m: {", "\ue000: 1", "k\u202ee: 2\n"} {
		_, err := parseConfig("config.yaml", []byte(text))
		if err == nil {
			t.Errorf("%q is accepted", text)
			continue
		}
		if strings.ContainsFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q: the error is %q", text, err)
		}
	}
}

// TestNothingThatExpandsIsRead: a small file that becomes large when it is decoded is refused before that.
func TestNothingThatExpandsIsRead(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'i'; c++ {
		ref := fmt.Sprintf("*%c,", c-1)
		bomb += fmt.Sprintf("%c: &%[1]c [%s]\n", c, strings.TrimSuffix(strings.Repeat(ref, 9), ","))
	}
	for text, want := range map[string]string{
		bomb + "model:\n  name: *i\n":         "anchors and aliases",
		"model: &m\n  name: a\n":              "anchors and aliases",
		"model: &m\n  <<: *m\n  name: a\n":    "anchors and aliases",
		"model:\n  <<: {name: a}\n":           "merge keys",
		"model:\n  name: !!binary aGVsbG8=\n": "tags",
		"model: !x {}\n":                      "tags",
		"model: {name: a}\n---\nmodel: {}\n":  "second document",
		"? [a]\n: b\n":                        "want a plain name as a key",
		"model:\n  max_retries: 1.5\n":        "want a whole number",
	} {
		_, err := parseConfig("f", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "f:") {
			t.Errorf("%.60q: got %v, want %q and the line", text, err, want)
		}
	}
	// The same characters within a text have no such meaning.
	c, err := parseConfig("f", []byte("model:\n  name: 'a &b *c << !d'\n  base_url: \"http://h/a&b*c\"\n  api_key_env: A # &x *y\n"))
	if err != nil || c.Model.Name != "a &b *c << !d" || c.Model.BaseURL != "http://h/a&b*c" {
		t.Errorf("%+v, %v", c.Model, err)
	}
}

// TestNoFileWithinTheLimitIsExpensive parses the worst known files of the largest size and counts the memory that they take. The
// time grows with the memory, but is never the same twice, so the test does not measure it.
func TestNoFileWithinTheLimitIsExpensive(t *testing.T) {
	times := func(s string) string { return strings.Repeat(s, MaxSize/len(s)) }
	each := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < MaxSize-40; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for what, text := range map[string]string{
		"keys": each("k%d: 1\n"), "keys in a block": "model:\n" + each("  k%d: 1\n"), "keys in braces": "a: {" + each("k%d: 1,") + "}",
		"keys with blocks": each("a%d:\n  b: 1\n"), "keys in quotes": each("\"k%d\": \"v\"\n"), "explicit keys": each("? a%d\n: b\n"), "comments before keys": each("# c\nk%d: 1\n"),
		"a list": "a:\n" + times(" - 1\n"), "lists in lists": "a:\n" + times(" - - - - - - - - 1\n"), "a list in brackets": "a: [" + times("1,") + "]",
		"empty lines in a block": "a: |\n" + times("\n"), "a block": "a: |\n" + times(" x\n"), "a folded block": "a: >\n" + times(" x\n"), "empty lines in quotes": "a: 'x\n" + times("\n") + "'",
		"lines of a text": "a: x\n" + times("  y\n"), "empty lines": times("\n"), "comments": times("# c\n"), "documents": times("---\n"), "ends": times("...\n"),
		"directives": times("%YAML 1.2\n"), "tags": "a: " + times("!!str "), "anchors": each("a%d: &x%[1]d 1\n"), "hyphens": times("-"), "colons": times(": "), "questions": times("? "),
		"brackets": times("["), "braces": times("{"), "quotes": "a: \"" + times("\\\"") + "\"", "a long text": "a: " + times("x"), "a long key": times("x") + ": 1",
	} {
		data := []byte(text[:min(len(text), MaxSize)])
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = parseConfig("f", data)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
			t.Errorf("%s: %d MB for %d kB", what, took>>20, len(data)>>10)
		}
	}
}

func TestAnAgeHasNoUnitThatMeansTwoThings(t *testing.T) {
	const day = 24 * time.Hour
	for s, want := range map[string]time.Duration{"1d": day, "90d": 90 * day, "12w": 84 * day, "2y": 730 * day, "100y": 36500 * day, "36500d": 36500 * day} {
		if got, err := ParseAge(s); err != nil || got != want {
			t.Errorf("%q: %s, %v; want %s", s, got, err, want)
		}
	}
	for _, s := range []string{"", "0d", "-1d", "+1d", "90", "d", "3m", "90m", "24h", "1.5d", "1d12h", "101y", "36501d", "99999999999d", "1 d", "1D", "٣d"} {
		if got, err := ParseAge(s); err == nil {
			t.Errorf("%q: %s", s, got)
		}
	}
}
