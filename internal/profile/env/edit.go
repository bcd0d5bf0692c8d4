package env

import (
	"bytes"
	"maps"
	"regexp"
	"strings"

	"hermes/internal/profile"
)

// setEnv returns the text of an .env with a variable set to a value. Everything else, comments included, stays as it was. written is
// the value with the quotes that it needs.
func setEnv(file string, text []byte, name, value, written string) ([]byte, error) {
	before, err := parseEnv(text)
	if err != nil {
		return nil, &profile.ConfigError{File: file, Line: badEnvLine(string(text)), Msg: "want lines of the form NAME=value"}
	}
	want := maps.Clone(before)
	want[name] = value
	line := []byte(name + "=" + written)

	// If there is such a line, change it in place. What looks like one may be a part of a quoted value, so the result is parsed
	// again.
	pattern := regexp.MustCompile(`(?m)^[ \t]*(?:export[ \t]+)?` + regexp.QuoteMeta(name) + `[ \t]*[=:][^\r\n#]*?([ \t]+#[^\r\n]*)?(\r?)$`)
	if pattern.Match(text) {
		edited := pattern.ReplaceAll(text, append([]byte(strings.ReplaceAll(string(line), "$", "$$")), "${1}${2}"...))
		if got, err := parseEnv(edited); err == nil && maps.Equal(got, want) {
			return edited, nil
		}
	}
	edited := bytes.Clone(text)
	if without, err := removeEnv(file, text, name); err == nil {
		edited = without // a second line with the name would keep the old value in the file
	}
	if len(edited) > 0 && edited[len(edited)-1] != '\n' {
		edited = append(edited, '\n')
	}
	edited = append(append(edited, line...), '\n')
	if got, err := parseEnv(edited); err != nil || !maps.Equal(got, want) {
		return nil, &profile.ConfigError{File: file, Key: name, Msg: "missing, and it cannot be added to a file of this form: write the line " + name + "=... by hand"}
	}
	return edited, nil
}

// removeEnv returns the text of an .env without a variable.
func removeEnv(file string, text []byte, name string) ([]byte, error) {
	before, err := parseEnv(text)
	if err != nil {
		return nil, &profile.ConfigError{File: file, Line: badEnvLine(string(text)), Msg: "want lines of the form NAME=value"}
	}
	if _, ok := before[name]; !ok {
		return nil, &profile.ConfigError{File: file, Key: name, Msg: "there is no such variable"}
	}
	want := maps.Clone(before)
	delete(want, name)
	pattern := regexp.MustCompile(`(?m)^[ \t]*(?:export[ \t]+)?` + regexp.QuoteMeta(name) + `[ \t]*[=:][^\r\n]*\r?\n?`)
	edited := pattern.ReplaceAll(text, nil)
	if got, err := parseEnv(edited); err != nil || !maps.Equal(got, want) {
		return nil, &profile.ConfigError{File: file, Key: name, Msg: "cannot be taken out of a file of this form: edit the file by hand"}
	}
	return edited, nil
}
