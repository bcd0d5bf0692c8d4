//go:build unix

package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNoCommandPrintsWhatOthersWroteAsATerminalObeysIt writes characters that a terminal obeys into every field that others can fill,
// and runs every command that only shows something, with text and with JSON.
func TestNoCommandPrintsWhatOthersWroteAsATerminalObeysIt(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HERMES_HOME", home)
	t.Setenv("HERMES_S6_SCANDIR", filepath.Join(t.TempDir(), "none"))
	const evil = `\u001b[31m\u009b1m\u202eX`
	raw := "\x1b[31m\u009b1m\u202eX\r"
	for _, dir := range []string{home, filepath.Join(home, "profiles", "coder"), filepath.Join(home, "profiles", raw)} {
		for name, text := range map[string]string{
			"SOUL.md": raw, ".env": "API_SERVER_KEY=k\nAPI_SERVER_PORT=9300\n",
			"config.yaml":        "model:\n  name: \"\\e[31m\\x9b1m\\u202eX\"\n  provider: openai\n",
			"gateway_state.json": `{"gateway_state":"` + evil + `","desired_state":"` + evil + `","exit_reason":"` + evil + `","pid":1,"argv":["` + evil + `"],"kind":"` + evil + `","platforms":{"` + evil + `":"` + evil + `"}}`,
			"metrics.json":       `{"messages_in":"` + evil + `"}`,
		} {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	logDir := filepath.Join(home, "logs", "gateways", "coder")
	if err := os.MkdirAll(logDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(logDir, "current"), []byte("2026-11-24 03:03:16.023890181  "+raw+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, line := range []string{
		"gateway list", "status", "gateway status", "-p coder gateway status", "profile list", "profile show coder", "profile show", "gateway logs -n 5 -p coder", "gateway logs --all",
		"doctor", "boot reconcile --dry-run", "-p " + strings.ReplaceAll(raw, " ", "") + " gateway status", "profile show " + raw, "healthcheck", raw, "profile use " + raw,
	} {
		for _, format := range []string{"text", "json"} {
			var out, errs bytes.Buffer
			args := append(strings.Fields(line), "--format", format)
			Run(t.Context(), args, Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
			for stream, text := range map[string]string{"stdout": out.String(), "stderr": errs.String()} {
				if i := strings.IndexFunc(text, obeyed); i >= 0 {
					t.Errorf("hermes %q: %s: %q", args, stream, text[max(0, i-60):min(len(text), i+60)])
				}
				seen += strings.Count(text, "X")
			}
		}
	}
	if seen < 10 {
		t.Errorf("what others wrote was shown %d times: this shows nothing", seen)
	}
	var out bytes.Buffer
	Run(t.Context(), []string{"gateway", "logs", "-p", "coder", "--raw"}, Streams{In: strings.NewReader(""), Out: &out, Err: &out})
	if !strings.Contains(out.String(), "\x1b[31m") {
		t.Errorf("--raw prints %q", out.String())
	}
}
