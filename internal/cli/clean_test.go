package cli

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func cleaned(asJSON bool, pieces ...string) string {
	var out bytes.Buffer
	w := &cleanWriter{w: &out, json: func() bool { return asJSON }}
	for _, p := range pieces {
		if n, err := w.Write([]byte(p)); n != len(p) || err != nil {
			panic(err)
		}
	}
	return out.String()
}

func TestNothingThatATerminalObeysIsPrinted(t *testing.T) {
	for text, want := range map[string]string{
		"plain, with a tab\tand a line\n": "plain, with a tab\tand a line\n", "\x1b[31mred\x1b]0;title\x07": "[31mred]0;title", "a\rb\x00\x7f": "ab",
		"c1 \u009b31m": "c1 31m", "\u202egnp\u2066x": "gnpx", "ä日本 ✓": "ä日本 ✓", "\xff\xfe": "\ufffd\ufffd", "\u2028x": "x", "": "",
	} {
		if got := cleaned(false, text); got != want {
			t.Errorf("%q is printed as %q, want %q", text, got, want)
		}
	}
	if got := cleaned(false, "\xe6\x97", "\xa5\x1b", "[0m"); got != "日[0m" {
		t.Errorf("in pieces: %q", got)
	}
}

func TestJSONSaysTheSameWithoutWhatATerminalObeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune{0x1b, 0x9b, 0x7f, 0x202e, 0x2066, 0xfeff, 'x', '\\', '"', 'ä'}))).Draw(t, "value")
		data, err := json.Marshal(map[string]string{"v": value})
		if err != nil {
			t.Fatal(err)
		}
		cut := rapid.IntRange(0, len(data)).Draw(t, "cut")
		out := cleaned(true, string(data[:cut]), string(data[cut:]))
		var back map[string]string
		if err := json.Unmarshal([]byte(out), &back); err != nil || back["v"] != value {
			t.Fatalf("%q is printed as %s, %v", value, out, err)
		}
		for _, r := range out {
			if obeyed(r) || r == utf8.RuneError {
				if r != utf8.RuneError || utf8.ValidString(value) && !bytes.ContainsRune([]byte(value), r) {
					t.Fatalf("%q holds %U", out, r)
				}
			}
		}
	})
}
