// Package environment reads variables of the environment as those meant them who set them. What brings them here may add to
// them: `docker run --env-file` keeps quotes, a file of Windows leaves a carriage return, a Secret that was made with echo
// ends in a line end, and Kubernetes adds variables of its own that have the names of ours.
package environment

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
)

// Get returns a variable of this process, as Clean has it. One that is not set is "".
func Get(name string) string { return Clean(name, os.Getenv(name)) }

// Clean returns what a variable's value means:
//   - without the line end at its end;
//   - without a pair of quotes around all of it, in which no such quote is;
//   - "", if its name ends in _PORT and its value is an address: a link of docker's, or a Service of Kubernetes'
//     (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables).
func Clean(name, value string) string {
	value = strings.TrimRight(value, "\r\n")
	if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && strings.IndexByte(value[1:], value[0]) == n-2 {
		value = value[1 : n-1]
	}
	if strings.HasSuffix(name, "_PORT") && isLink(value) {
		return ""
	}
	return value
}

func isLink(value string) bool {
	for _, scheme := range []string{"tcp://", "udp://", "sctp://"} {
		if strings.HasPrefix(value, scheme) {
			return true
		}
	}
	return false
}

// maxSecretFile bounds the files that hold secrets.
const maxSecretFile = 4 << 10

// Secret returns a variable, or what the file holds whose path the variable NAME_FILE has: docker and Kubernetes mount secrets
// as files. Errors name the variable or the file and never show a value.
func Secret(getenv func(string) string, name string) (string, error) {
	value, file := getenv(name), getenv(name+"_FILE")
	switch {
	case file == "":
		return value, nil
	case value != "":
		return "", fmt.Errorf("both %s and %s_FILE are set; set one of them", name, name)
	}
	data, err := readSecret(file)
	if err != nil {
		return "", fmt.Errorf("%s_FILE: %w", name, err)
	}
	if value = strings.TrimRight(string(bytes.TrimPrefix(data, []byte("\ufeff"))), "\r\n"); value == "" {
		return "", fmt.Errorf("%s_FILE: %s is empty", name, file)
	}
	return value, nil
}

// readSecret follows links: those who mount secrets make them. The path comes from the operator.
func readSecret(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err == nil && len(data) > maxSecretFile {
		err = fmt.Errorf("%s is larger than %d kB", path, maxSecretFile>>10)
	}
	return data, err
}
