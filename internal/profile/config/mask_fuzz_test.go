package config

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// yamlWriter writes a YAML document in any style. Every scalar below a key with a secret's name contains "5ecret"; the other scalars
// are listed in shown.
type yamlWriter struct {
	t     *rapid.T
	b     strings.Builder
	n     int
	shown []string
	eol   string
}

func (w *yamlWriter) one(from ...string) string { return rapid.SampledFrom(from).Draw(w.t, "choice") }

func (w *yamlWriter) line(indent int, text string) {
	w.b.WriteString(strings.Repeat(" ", indent) + text + w.eol)
}

// word returns a part of a scalar.
func (w *yamlWriter) word(secret bool) string {
	w.n++
	if secret {
		return fmt.Sprintf("5ecret%d", w.n) + w.one("", "ü", ":x", "#y")
	}
	word := fmt.Sprintf("shown%dend", w.n)
	w.shown = append(w.shown, word)
	return word
}

// key returns a new key. secret says that its value is a secret.
func (w *yamlWriter) key() (key string, secret bool) {
	w.n++
	if w.one("plain", "secret") == "plain" {
		return fmt.Sprintf("name%d", w.n), false
	}
	key = fmt.Sprintf("k%d", w.n) + w.one("_api_key", "Token", "-password", ".secret", "_credentials")
	switch w.one("plain", "single", "double") {
	case "single":
		key = "'" + key + "'"
	case "double":
		key = `"` + key + `"`
	}
	return key, true
}

// flow returns a value on one line.
func (w *yamlWriter) flow(secret bool, depth int) string {
	kinds := []string{"plain", "single", "double"}
	if depth > 0 {
		kinds = append(kinds, "list", "map")
	}
	switch w.one(kinds...) {
	case "plain":
		return w.word(secret)
	case "single":
		return "'" + w.word(secret) + "'' , }]'"
	case "double":
		text := w.word(secret) + w.one(``, `\"`, `, y: z`)
		if secret { // in other texts a # may hide what follows it, so there it could hide a text that must be shown
			text += w.one(``, ` # x`)
		}
		return `"` + text + `"`
	case "list":
		return "[" + w.flow(secret, depth-1) + w.one(", ", " ,") + w.flow(secret, depth-1) + "]"
	}
	key, hidden := w.key()
	other, also := w.key()
	return "{" + key + ": " + w.flow(secret || hidden, depth-1) + ", " + other + ": " + w.flow(secret || also, depth-1) + "}"
}

// value writes a value after a key or a hyphen, which has an indentation.
func (w *yamlWriter) value(indent int, before string, secret bool, depth int) {
	kinds := []string{"flow", "flow with a comment", "next line", "several lines", "quoted lines", "literal", "folded"}
	if depth > 0 {
		kinds = append(kinds, "list", "map", "flush list")
	}
	kind := w.one(kinds...)
	if strings.HasSuffix(before, "-") && kind == "flush list" {
		kind = "list"
	}
	switch kind {
	case "flow":
		w.line(indent, before+" "+w.flow(secret, 2))
	case "flow with a comment":
		w.line(indent, before+" "+w.flow(secret, 2)+" # a comment")
	case "next line":
		w.line(indent, before)
		w.line(indent+2, w.flow(secret, 2))
	case "several lines":
		w.line(indent, before+" "+w.word(secret))
		w.line(indent+1, w.word(secret))
	case "quoted lines":
		w.line(indent, before+` "`+w.word(secret))
		w.line(0, "")
		w.line(indent+3, w.word(secret)+`"`)
	case "literal", "folded":
		w.line(indent, before+" "+map[string]string{"literal": "|", "folded": ">"}[kind]+w.one("", "-", "+"))
		w.line(indent+2, w.word(secret))
		w.line(0, "")
		w.line(indent+w.n%2+2, "# "+w.word(secret))
	case "list", "flush list":
		w.line(indent, before)
		in := indent + 2
		if kind == "flush list" {
			in = indent
		}
		for range rapid.IntRange(1, 3).Draw(w.t, "entries") {
			w.value(in, "-", secret, depth-1)
		}
	case "map":
		w.line(indent, before)
		w.fields(indent+2, secret, depth-1)
	}
}

func (w *yamlWriter) fields(indent int, secret bool, depth int) {
	for range rapid.IntRange(1, 4).Draw(w.t, "fields") {
		switch w.one("", "blank", "comment", "old secret") {
		case "blank":
			w.line(0, "")
		case "comment":
			w.line(indent, "# a comment")
		case "old secret":
			w.line(indent, "# token: 5ecret")
		}
		key, hidden := w.key()
		w.value(indent, key+":", secret || hidden, depth)
	}
}

// noSecretIsLeft writes a document and checks what is shown of it.
func noSecretIsLeft(t *rapid.T) {
	w := &yamlWriter{t: t, eol: rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "line end")}
	if w.one("", "mark") == "mark" {
		w.b.WriteString("\ufeff")
	}
	w.fields(0, false, 3)
	before := w.b.String()
	if _, err := parseYAML("", []byte(before)); err != nil {
		t.Fatalf("%q is no YAML: %v", before, err)
	}
	masked := maskSecrets(before)
	if strings.Contains(masked, "5ecret") {
		t.Fatalf("%s\nis shown as\n%s", before, masked)
	}
	if masked == unshowable {
		t.Fatalf("%s\nis not shown at all", before)
	}
	for _, word := range w.shown {
		if !strings.Contains(masked, word) {
			t.Fatalf("%s\nis shown as\n%s\nwithout %s", before, masked, word)
		}
	}
	if got := unmaskSecrets(before, masked); got != before {
		t.Fatalf("%q comes back as\n%q from\n%q", before, got, masked)
	}
}

// TestNoSecretOfADocumentIsShown: nothing but secrets is hidden.
func TestNoSecretOfADocumentIsShown(t *testing.T) { rapid.Check(t, noSecretIsLeft) }

func FuzzNoSecretOfADocumentIsShown(f *testing.F) { f.Fuzz(rapid.MakeFuzz(noSecretIsLeft)) }

// TestEveryEndOfALineIsOneForTheMask: YAML has more line ends than \n, and some editors write a byte order mark before the first
// line.
func TestEveryEndOfALineIsOneForTheMask(t *testing.T) {
	for _, end := range []string{"\n", "\r\n", "\r", "\u0085", "\u2028", "\u2029"} {
		for _, lines := range [][]string{{"# token: 5ecret", "name: shown"}, {"name: shown", "# token: 5ecret"}, {"name: shown", "", "api_key: 5ecret"},
			{"name: shown", "api_key: 5ecret", "b: x"}, {"{name: shown, api_key: 5ecret, b: x}"}, {"name: shown", "keys:", "- 5ecret", "- {a: 5ecret}"}} {
			for _, mark := range []string{"", byteOrder} {
				before := mark + strings.Join(lines, end) + end
				masked := maskSecrets(before)
				if strings.Contains(masked, "5ecret") || !strings.Contains(masked, "shown") && lines[0][0] != '#' {
					t.Errorf("%q is shown as %q", before, masked)
				}
				if got := unmaskSecrets(before, masked); got != before {
					t.Errorf("%q comes back as %q from %q", before, got, masked)
				}
			}
		}
	}
}
