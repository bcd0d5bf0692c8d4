package container

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// WriteEnvironment stores variables in a directory for s6-envdir -fnL: a file a variable,
// its content the value to the last byte. Values can be secrets: only root and
// the group may read. gid -1 leaves the group alone.
func WriteEnvironment(dir string, environ []string, gid int) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("cannot store the environment: %w", err)
	}
	if err := os.Chown(dir, -1, gid); err != nil {
		return fmt.Errorf("cannot store the environment: %w", err)
	}
	for _, kv := range environ {
		name, value, ok := strings.Cut(kv, "=")
		if !ok || !validVariable(name) {
			continue
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(value), 0o640); err != nil {
			return fmt.Errorf("cannot store the environment: %w", err)
		}
		if err := os.Chown(path, -1, gid); err != nil {
			return fmt.Errorf("cannot store the environment: %w", err)
		}
	}
	return nil
}

// validVariable refuses what is no file name; s6-envdir skips names that start with a dot.
func validVariable(name string) bool {
	return name != "" && name[0] != '.' && len(name) <= 255 && !strings.ContainsAny(name, "/\x00")
}

// commandEnv is the environment of what runs as the runtime user.
func commandEnv(environ []string, u User) []string {
	env := make([]string, 0, len(environ)+3)
	for _, kv := range environ {
		switch name, _, _ := strings.Cut(kv, "="); name {
		case "HOME", "USER", "LOGNAME":
		default:
			env = append(env, kv)
		}
	}
	return append(env, "HOME="+u.Home, "USER="+UserName, "LOGNAME="+UserName)
}
