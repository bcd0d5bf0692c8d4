package cli

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"hermes/internal/exitcode"
)

// TestAWordThatIsNoCommandIsWrongUsageEverywhere tries a word that is no command below every command that has others below it, also
// below those that come with cobra.
func TestAWordThatIsNoCommandIsWrongUsageEverywhere(t *testing.T) {
	groups := 0
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		if !cmd.HasAvailableSubCommands() {
			return
		}
		groups++
		path := strings.Fields(cmd.CommandPath())[1:]
		for _, args := range [][]string{append(slices.Clone(path), "nosuchthing"), append(append([]string{"help"}, path...), "nosuchthing")} {
			var out, errs bytes.Buffer
			code := Run(context.Background(), args, Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
			want := fmt.Sprintf("✗ unknown command \"nosuchthing\" for `%s`: see `%[1]s --help`\n", cmd.CommandPath())
			if code != exitcode.Usage || errs.String() != want || out.Len() > 0 {
				t.Errorf("%q: code %d, %q, %q", args, code, errs.String(), out.String())
			}
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(Tree())
	if groups < 5 {
		t.Errorf("%d commands have others below them", groups)
	}
}
