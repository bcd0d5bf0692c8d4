package lint

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestWhatIsPromisedIsProvedByATestThatThereIs: every test that docs/security.md names exists.
func TestWhatIsPromisedIsProvedByATestThatThereIs(t *testing.T) {
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "git", "grep", "-hoE", "--untracked", `^func Test[A-Za-z0-9_]+`, "--", "*_test.go")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, f := range regexp.MustCompile(`Test[A-Za-z0-9_]+`).FindAllString(string(out), -1) {
		there[f] = true
	}
	named := regexp.MustCompile(`Test[A-Za-z0-9_]+`).FindAllString(string(text), -1)
	if len(named) < 20 {
		t.Errorf("it names only %d tests", len(named))
	}
	for _, name := range named {
		if !there[name] {
			t.Errorf("docs/security.md names %s, which is nowhere", name)
		}
	}
}
