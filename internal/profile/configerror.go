package profile

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// ConfigError says what is wrong in one of the profile's files, and where. It never contains a value, because values may be secrets.
type ConfigError struct {
	File string
	Line int    // counted from 1; 0 if unknown
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

// MaxFile is the largest .env or SOUL.md, in bytes.
const MaxFile = 1 << 20

// CannotRead returns the error for a file of the profile that cannot be read.
func CannotRead(file string, err error) *ConfigError {
	return &ConfigError{File: file, Msg: reason(err, file)}
}

// reason returns the text of an error without the file's name, because ConfigError adds it.
func reason(err error, file string) string {
	var pe *fs.PathError
	if errors.As(err, &pe) && pe.Path == file {
		return "cannot read it: " + pe.Err.Error()
	}
	return strings.TrimPrefix(strings.TrimPrefix(err.Error(), file), ": ")
}
