package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// question is what a person is asked before something is deleted.
type question struct {
	what    string // is a sentence that says what will be deleted
	prompt  string // names the word in the question, as in "the profile's name"
	word    string // is the answer that lets the command go on
	refused string // is said if nobody can answer, as in "refusing to delete profile 'coder' without asking"
}

// confirm asks a person to type a word before something is deleted. Any other answer is an error, and so is an input that is no
// terminal, where nobody can answer.
func (a *app) confirm(ctx context.Context, q question) error {
	f, ok := a.In.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return &usageError{fmt.Errorf("%s: nobody can answer here, so pass --yes", q.refused)}
	}
	fmt.Fprintf(a.Err, "%s\nType %s to go on: ", q.what, q.prompt)
	line, err := bufio.NewReader(a.input(ctx)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(line) != q.word {
		return fmt.Errorf("that is not '%s': nothing is deleted", q.word)
	}
	return nil
}
