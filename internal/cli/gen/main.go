// Command gen writes the documents that are made from the code: docs/cli.md from the commands,
// docs/configuration.md from the types and the checks of config.yaml and from the table of variables, and docs/promises.md from
// the names of the tests. script/docs runs it. A test compares the committed files with what it would write.
package main

//go:generate ../../../script/docs

import (
	"fmt"
	"os"
	"path/filepath"
)

// documents are the files that it writes, each with the function that makes its text. The argument is the repository's root.
var documents = map[string]func(root string) (string, error){
	"docs/cli.md":           func(string) (string, error) { return reference(), nil },
	"docs/configuration.md": configuration,
	"docs/promises.md":      proofs,
}

const notice = "<!-- Made by script/docs from the code. Change the code, then run `make docs`. -->\n\n"

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	if err := write(root); err != nil {
		fmt.Fprintf(os.Stderr, "✗ cannot make the documents: %v\n", err)
		os.Exit(1)
	}
}

func write(root string) error {
	for name, text := range documents {
		content, err := text(root)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(root, filepath.FromSlash(name)), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}
