package profile

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// ConfigError says what is wrong in one of the profile's files, and where. It never
// carries a value: values may be secrets.
type ConfigError struct {
	File string
	Line int    // from 1; 0 if unknown
	Key  string // dotted, such as api_server.port; "" if unknown
	Msg  string
}

func (e *ConfigError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	b.WriteString(": ")
	if e.Key != "" {
		b.WriteString(e.Key + ": ")
	}
	b.WriteString(e.Msg)
	return b.String()
}

// MaxFile bounds .env and SOUL.md, in bytes.
const MaxFile = 1 << 20

// CannotRead makes the error of a file of the profile that the system, or package volume, does not read.
func CannotRead(file string, err error) *ConfigError {
	return &ConfigError{File: file, Msg: reason(err, file)}
}

// reason is an error's text without the file's name in front, which ConfigError gives.
func reason(err error, file string) string {
	var pe *fs.PathError
	if errors.As(err, &pe) && pe.Path == file {
		return "cannot read it: " + pe.Err.Error()
	}
	return strings.TrimPrefix(strings.TrimPrefix(err.Error(), file), ": ")
}
