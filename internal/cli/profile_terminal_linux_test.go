package cli_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hermes/internal/cli"
)

// terminal returns both ends of a pseudo-terminal: the one at which a person types and reads, and the one that a program has.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

func hermes(t *testing.T, in io.Reader, out io.Writer, args ...string) (code int, said string) {
	t.Helper()
	var buf bytes.Buffer
	if out == nil {
		out = &buf
	}
	code = cli.Run(t.Context(), args, cli.Streams{In: in, Out: out, Err: &buf})
	return code, buf.String()
}

func newHome(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HERMES_HOME", home)
	t.Setenv("HERMES_S6_SCANDIR", filepath.Join(home, "no-scandir"))
	t.Setenv("HERMES_S6_SUPERVISED_CHILD", "")
	if code, said := hermes(t, strings.NewReader(""), nil, "profile", "create", "coder"); code != 0 {
		t.Fatal(said)
	}
	return filepath.Join(home, "profiles", "coder")
}

func TestOnATerminalDeleteAsksForTheName(t *testing.T) {
	for answer, deleted := range map[string]bool{"coder\n": true, " coder \n": true, "yes\n": false, "\n": false, "\x04": false} {
		home := newHome(t)
		person, program := terminal(t)
		if _, err := person.WriteString(answer); err != nil {
			t.Fatal(err)
		}
		code, said := hermes(t, program, nil, "profile", "delete", "coder")
		_, err := os.Stat(home)
		if (code == 0) != deleted || os.IsNotExist(err) != deleted || !strings.Contains(said, "Type the profile's name") {
			t.Errorf("%q: code %d, %v: %s", answer, code, err, said)
		}
	}
}

func TestAnArchiveIsNotWrittenToATerminal(t *testing.T) {
	newHome(t)
	_, program := terminal(t)
	if code, said := hermes(t, program, program, "profile", "export", "coder", "-o", "-"); code != 2 || !strings.Contains(said, "-o FILE") {
		t.Error(code, said)
	}
}
