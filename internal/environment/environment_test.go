package environment

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAValueIsWhatItsAuthorMeant(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"API_SERVER_KEY", "plain", "plain"},
		{"API_SERVER_KEY", `"abcdef-0123456789-abcdef"`, "abcdef-0123456789-abcdef"},
		{"API_SERVER_KEY", "'single'", "single"},
		{"API_SERVER_KEY", "\"from Windows\"\r", "from Windows"},
		{"API_SERVER_KEY", "from echo\n", "from echo"},
		{"API_SERVER_KEY", `""`, ""},
		{"API_SERVER_KEY", `"`, `"`},
		{"API_SERVER_KEY", `"half`, `"half`},
		{"API_SERVER_KEY", `"one" and "two"`, `"one" and "two"`},
		{"API_SERVER_KEY", `"it's"`, "it's"},
		{"API_SERVER_KEY", `'mixed"`, `'mixed"`},
		{"HERMES_DASHBOARD_PORT", "tcp://10.0.0.1:9119", ""},
		{"API_SERVER_PORT", "udp://10.0.0.1:53", ""},
		{"API_SERVER_PORT", `"8642"`, "8642"},
		{"API_SERVER_PORT", "tcp", "tcp"},
		{"HERMES_DASHBOARD_PUBLIC_URL", "tcp://kept", "tcp://kept"},
	} {
		if got := Clean(c.name, c.value); got != c.want {
			t.Errorf("%s=%q: %q, want %q", c.name, c.value, got, c.want)
		}
	}
	t.Setenv("API_SERVER_PORT", "tcp://10.0.0.1:8642")
	if got := Get("API_SERVER_PORT"); got != "" {
		t.Error(got)
	}
}

func TestASecretMayBeInAFile(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	vars := func(m map[string]string) func(string) string { return func(name string) string { return m[name] } }
	for content, want := range map[string]string{"s3cret": "s3cret", "s3cret\n": "s3cret", "\ufeffs3cret\r\n": "s3cret", " with blanks ": " with blanks "} {
		if got, err := Secret(vars(map[string]string{"X_FILE": file("good", content)}), "X"); err != nil || got != want {
			t.Errorf("%q: %q %v", content, got, err)
		}
	}
	if got, err := Secret(vars(map[string]string{"X": "v"}), "X"); err != nil || got != "v" {
		t.Error(got, err)
	}
	for want, m := range map[string]map[string]string{
		"both X and X_FILE are set": {"X": "s3cret", "X_FILE": file("good", "s3cret")},
		"is empty":                  {"X_FILE": file("empty", "\r\n")},
		"is not a regular file":     {"X_FILE": dir},
		"no such file":              {"X_FILE": filepath.Join(dir, "none")},
		"is larger than 4 kB":       {"X_FILE": file("large", strings.Repeat("s3cret", 1000))},
	} {
		if _, err := Secret(vars(m), "X"); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "X_FILE") || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
