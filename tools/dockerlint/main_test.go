package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBadDockerfileIsFlagged(t *testing.T) {
	tests := []struct {
		name, text, want string
	}{
		{"shell form of CMD", "FROM debian:trixie-slim\nCMD sleep infinity\n", "JSONArgsRecommended"},
		{"secret in the environment", "FROM debian:trixie-slim\nENV API_TOKEN=x\n", "SecretsUsedInArgOrEnv"},
		{"undefined variable", "FROM debian:trixie-slim\nCOPY $NOWHERE /x\n", "UndefinedVar"},
		{"mixed case", "FROM debian:trixie-slim\nrun true\nUSER 1\n", "ConsistentInstructionCasing"},
		{"relative directory", "FROM scratch\nWORKDIR data\n", "WorkdirRelativePath"},
		{"not a Dockerfile", "FROM debian:trixie-slim\nFETCH x\n", "unknown instruction"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			code, out := lintFile(t, test.text)
			if code != 1 || !strings.Contains(out, test.want) {
				t.Errorf("exit code %d, want 1; output %q, want %q in it", code, out, test.want)
			}
		})
	}
}

func TestGoodDockerfilePasses(t *testing.T) {
	code, out := lintFile(t, "FROM debian:trixie-slim\nWORKDIR /data\nCMD [\"sleep\", \"infinity\"]\n")
	if code != 0 || out != "" {
		t.Errorf("exit code %d, output %q; want 0 and nothing", code, out)
	}
}

func TestMissingFileIsNotAPass(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{filepath.Join(t.TempDir(), "Dockerfile")}, &out, &errs); code != 2 {
		t.Errorf("exit code %d, want 2", code)
	}
}

func lintFile(t *testing.T, text string) (code int, output string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "Dockerfile")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code = run(t.Context(), []string{file}, &out, &errs)
	return code, out.String() + errs.String()
}
