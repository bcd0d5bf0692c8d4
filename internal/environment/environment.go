// Package environment reads environment variables as the people who set them meant them. On the way the values may have been
// changed: `docker run --env-file` keeps quotes, a file from Windows leaves a carriage return, a Secret that was made with echo ends
// with a newline, and Kubernetes adds variables of its own that have the names of ours.
package environment

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
)

// Get returns a variable of this process, cleaned by Clean, or "" if it is not set.
func Get(name string) string { return Clean(name, os.Getenv(name)) }

// Clean returns what a variable's value means:
//   - without the newline at its end;
//   - without quotes around all of it, unless the same quote also stands within;
//   - "", if its name ends in _PORT and its value is an address: then a link of docker's or a Service of Kubernetes set it
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

// maxSecretFile limits the size of files that hold secrets, in bytes.
const maxSecretFile = 4 << 10

// Secret returns the variable NAME or, if NAME_FILE is set, the content of the file at that path: docker and Kubernetes mount
// secrets as files. Errors name the variable or the file and never contain a value.
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

// readSecret reads a secret's file. It follows links, because Kubernetes mounts secrets as links, and the path comes from the
// operator.
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
