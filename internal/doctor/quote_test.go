//go:build unix

package doctor

import (
	"os/exec"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

// TestACommandThatIsPrintedMeansTheFileThatItNames, whatever the file's name is.
func TestACommandThatIsPrintedMeansTheFileThatItNames(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Fatal("this test needs bash: ", err)
	}
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.OneOf(
			rapid.StringOf(rapid.SampledFrom([]rune("a b'\"`$(){};&|<>*?[]#~!\\-=\t\n\x1bä\u202e"))),
			rapid.Map(rapid.SliceOf(rapid.ByteRange(1, 255)), func(b []byte) string { return string(b) }),
		).Draw(t, "word")
		quoted := shell(word)
		for _, r := range quoted {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q is printed as %q", word, quoted)
			}
		}
		out, err := exec.Command(bash, "-c", "printf '%s.' "+quoted).Output()
		if err != nil || string(out) != word+"." {
			t.Fatalf("%q is printed as %s, which is %q, %v", word, quoted, out, err)
		}
	})
}
