package container

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hermes/internal/environment"
	"hermes/internal/profile"
	"hermes/internal/service"
)

// WriteEnvironment stores variables in a directory for s6-envdir -fnL: one file per variable, whose content is exactly the value.
// Values may be secrets, so only root and the group may read them. With gid -1 the group stays as it is.
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

// writeEnvironments stores the environment of the container's commands, and for each service the environment that it gets.
func (l Layout) writeEnvironments(environ []string, gid int) error {
	if err := WriteEnvironment(l.EnvDir(), environ, gid); err != nil {
		return err
	}
	environ = slices.Clone(environ)
	// Scripts and programs of s6 read these variables, so clean them here. Our own programs clean variables themselves.
	for i, kv := range environ {
		if name, value, ok := strings.Cut(kv, "="); ok && (name == "TZ" || strings.HasPrefix(name, "HERMES_")) {
			environ[i] = name + "=" + environment.Clean(name, value)
		}
	}
	if err := WriteEnvironment(l.treeEnv(), append(service.Shared(environ), service.SlotEnv+"="+l.slotEnv()), gid); err != nil {
		return err
	}
	if err := WriteEnvironment(l.slotEnv(), nil, gid); err != nil {
		return err
	}
	for _, id := range []service.ID{service.Dashboard(), service.Gateway(profile.Default())} {
		if err := WriteEnvironment(filepath.Join(l.slotEnv(), id.String()), service.Own(id, environ), gid); err != nil {
			return err
		}
	}
	return nil
}

// validVariable refuses names that cannot be file names, or that s6-envdir skips because they begin with a dot.
func validVariable(name string) bool {
	return name != "" && name[0] != '.' && len(name) <= 255 && !strings.ContainsAny(name, "/\x00")
}

// commandEnv returns the environment for programs that run as the runtime user.
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
