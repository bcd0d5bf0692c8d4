package config

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestSecretsAreHiddenInWhateverFormTheyAreWritten: unmasking brings the same text back.
func TestSecretsAreHiddenInWhateverFormTheyAreWritten(t *testing.T) {
	const secret = "5ecret-value"
	for _, text := range []string{
		"api_key: S\n", "api_key: \"S\"\n", "api_key: 'S'\n", "api_key: S # fine\nname: x\n", "a:\n  api_key: S\n  name: x\n", "api_key:\n  S\nname: x\n",
		"api_key: |\n  S\n  more S\n\n  S\nname: x\n", "api_key: >-\n  S\n  S\nname: x\n", "api_key: |\n S\n", "a: {name: x, api_key: S, b: y}\n", "a: {api_key: S}\n", "a: {api_key: \"S, x}\", b: y}\n",
		"keys: [S, x, S]\nname: x\n", "keys:\n  - S\n  - S\nname: x\n", "tokens:\n- S\n- name: S\nname: x\n", "credentials:\n  user: u\n  pass: S\nname: x\n", "a:\n- token: S\n- token: S\n  name: y\n",
		"api_key: \"S\n  S\"\nname: x\n", "api_key: S\n  S\nname: x\n", "\"api key\": S\n", "? api_key\n: S\nname: x\n", "password: {a: {b: S}, c: [S]}\nname: x\n", "x: {password: {a: S}, b: c}\n",
		"base_url: http://u:S@h/v1\n", "base_url: http://S@h/v1\n", "base_url: http://h/v1?api_key=S&x=y\n", "base_url: \"http://h/v1?x=y&token=S\"\n", "a: [\"http://h?sig=S\", x]\n",
		"# api_key: S\n", "name: x # token = S\n", "# my password is S\n", "#api_key: S\nname: x\n", "name: |\n  # token: S\n", "# old: http://u:S@h/\n", "name: x\n  # secret: S\n",
		"api_key: S", "é: {ü_key: S, b: ö}\n", "\tapi_key: S\n", "a: [\napi_key: S\n", "a: b: c\npassword: S\n", "secret: S\r\nname: x\r\n", "api_key: S\n---\napi_key: S\n", "api_key: &a S\nb: *a\n",
		"Authorization: Bearer S\n", "headers:\n  Cookie: a=S\n",
	} {
		before := strings.ReplaceAll(text, "S", secret)
		masked := maskSecrets(before)
		if strings.Contains(masked, "5ecret") {
			t.Errorf("%q is shown as\n%s", text, masked)
		}
		if masked == unshowable {
			t.Logf("%q is not shown at all", text)
			continue
		}
		if got := unmaskSecrets(before, masked); got != before {
			t.Errorf("%q comes back as\n%q", before, got)
		}
	}
	for _, text := range []string{"model:\n  name: m # the best\n  api_key_env: X\n  base_url: http://h/v1?x=y\n", "# a comment about keys\n", "api_key:\nname: x\n", "a: 'tokens are fine'\n"} {
		if got := maskSecrets(text); got != text {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
}

// TestNoMaskShowsASecretOrLosesAnything, for configurations generated from these pieces.
func TestNoMaskShowsASecretOrLosesAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.SampledFrom([]string{
			"name: x\n", "api_key: S5ecret\n", "a:\n  token: 'S5ecret'\n  b: c\n", "secret: |\n  S5ecret\n\n  S5ecret\n", "l:\n  - S\n  - password: S5ecret\n", "f: {key: S5ecret, g: [1, {token: S5ecret}]}\n",
			"# token: S5ecret\n", "u: http://a:S5ecret@h\n", "\n", "keys:\n  - S5ecret\n  - - S5ecret\n", "  \n", "t: \"x\n  y\"\n", "passwords: {a: S5ecret}\n", "x: [\n", "}\n", "\t", "é: ü # auth=S5ecret\n",
		})
		var b strings.Builder
		for i, p := range rapid.SliceOfN(piece, 1, 12).Draw(t, "pieces") {
			// Mostly make the keys different, because with the same key twice the file would not be valid.
			if c := p[0]; c >= 'a' && c <= 'z' && i%5 != 4 {
				b.WriteString(strings.Repeat("z", i))
			}
			b.WriteString(p)
		}
		before := b.String()
		masked := maskSecrets(before)
		if strings.Contains(masked, "5ecret") {
			t.Fatalf("%q is shown as\n%s", before, masked)
		}
		if masked == unshowable {
			return
		}
		if got := unmaskSecrets(before, masked); got != before {
			t.Fatalf("%q comes back as\n%q from\n%q", before, got, masked)
		}
	})
}

func FuzzMask(f *testing.F) {
	for _, s := range []string{"api_key: x\n", "a: {token: b, c: d}", "secret: |\n  x\n\n y: z", "# password: p", "http://u:p@h", "key: [a,\n b]", "é: {key: ü}", "key: \"a\n b\"", "{key: {a: b}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, before string) {
		masked := maskSecrets(before)
		if masked == unshowable || strings.Contains(before, mask) {
			return
		}
		if got := unmaskSecrets(before, masked); got != before {
			t.Errorf("%q comes back as %q from %q", before, got, masked)
		}
	})
}
