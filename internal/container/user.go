package container

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// UserName is the name of the runtime user and of its group.
const UserName = "hermes"

// User is the user as whom gateways and the container's command run.
type User struct {
	UID, GID int
	Home     string
}

const (
	defaultID = 10000
	// maxID is the highest id that the kernel accepts: the next one means "do not change" (chown(2)).
	maxID = 4294967294
	// noID means the same to programs whose ids have 16 bits.
	noID = 65535
)

// RuntimeUser returns the runtime user (contract "Environment"). HERMES_UID and HERMES_GID win over PUID and PGID. All values must
// be between 1 and 4294967294, and none may be 65535.
func RuntimeUser(getenv func(string) string) (User, error) {
	uid, err := idFrom(getenv, "HERMES_UID", "PUID")
	if err != nil {
		return User{}, err
	}
	gid, err := idFrom(getenv, "HERMES_GID", "PGID")
	if err != nil {
		return User{}, err
	}
	home := getenv("HERMES_HOME")
	if home == "" {
		home = "/"
	}
	return User{UID: uid, GID: gid, Home: home}, nil
}

func idFrom(getenv func(string) string, names ...string) (int, error) {
	for _, name := range names {
		v := getenv(name)
		if v == "" {
			continue
		}
		id, err := strconv.Atoi(v)
		if err != nil || id < 1 || id > maxID || id == noID {
			return 0, fmt.Errorf("invalid %s=%q: want a number from 1 to %d, but not %d", name, v, maxID, noID)
		}
		return id, nil
	}
	return defaultID, nil
}

// Strict reports whether a variable switches something on: 1, true or yes, in upper or lower case (M3). Any other value, such as 0,
// off or a typo, does not.
func Strict(value string) bool {
	switch strings.ToLower(value) {
	case "1", "true", "yes":
		return true
	}
	return false
}

// setID returns the content of passwd(5) or group(5) with other ids for one name. It replaces fields from the third on: uid and gid
// in passwd, gid in group.
func setID(content, name string, ids ...int) string {
	lines := strings.Split(content, "\n")
	for i, line := range lines {
		f := strings.Split(line, ":")
		if f[0] != name || len(f) < 2+len(ids) {
			continue
		}
		for j, id := range ids {
			f[2+j] = strconv.Itoa(id)
		}
		lines[i] = strings.Join(f, ":")
	}
	return strings.Join(lines, "\n")
}

// NameUser writes the runtime user's ids into /etc/passwd and /etc/group, so that tools show its name. Nothing else depends on that:
// if /etc cannot be written, the caller may ignore the error.
func NameUser(u User) error {
	for _, f := range []struct {
		path string
		ids  []int
	}{{"/etc/passwd", []int{u.UID, u.GID}}, {"/etc/group", []int{u.GID}}} {
		old, err := os.ReadFile(f.path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the image has no such file
		}
		if err != nil {
			return fmt.Errorf("cannot name the runtime user: %w", err)
		}
		changed := setID(string(old), UserName, f.ids...)
		if changed == string(old) {
			continue
		}
		// Write in place, because the file may be a bind mount, which cannot be replaced.
		if err := os.WriteFile(f.path, []byte(changed), 0o644); err != nil {
			return fmt.Errorf("cannot name the runtime user: %w", err)
		}
	}
	return nil
}
