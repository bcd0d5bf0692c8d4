package container

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"hermes/internal/service/s6"
)

// rootCaps are the capabilities that root needs for two levels: to give files to the runtime user, to reach them, to signal that
// user's processes, and to become that user.
var rootCaps = []int{unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_FOWNER, unix.CAP_KILL, unix.CAP_SETGID, unix.CAP_SETUID}

var capNames = map[int]string{
	unix.CAP_CHOWN: "CHOWN", unix.CAP_DAC_OVERRIDE: "DAC_OVERRIDE", unix.CAP_FOWNER: "FOWNER",
	unix.CAP_KILL: "KILL", unix.CAP_SETGID: "SETGID", unix.CAP_SETUID: "SETUID",
}

// ErrCannotStepDown reports that root can neither become another user nor may run gateways itself.
var ErrCannotStepDown = errors.New("refusing to run as root")

// Current returns who gateways run as in this container. own is true if the init has to run as that user too, so that there is one
// level without root: because the container did not start as root, or because root lacks capabilities. Root with these capabilities
// always gets two levels.
func Current(getenv func(string) string) (u User, own bool, err error) {
	home := getenv("HERMES_HOME")
	if home == "" {
		home = "/"
	}
	if uid := os.Geteuid(); uid != 0 {
		return User{UID: uid, GID: os.Getegid(), Home: home}, true, nil
	}
	lacking := missing(rootCaps)
	if len(lacking) == 0 {
		u, err := RuntimeUser(getenv)
		return u, false, err
	}
	if len(missing([]int{unix.CAP_SETGID, unix.CAP_SETUID})) == 0 {
		u, err := RuntimeUser(getenv)
		return u, true, err
	}
	if Strict(getenv("HERMES_ALLOW_ROOT_GATEWAY")) {
		return User{GID: os.Getegid(), Home: home}, true, nil
	}
	return User{}, false, fmt.Errorf("%w: this container starts as root without the capabilities %s, so it cannot become the runtime user: "+
		"start it with `--user %d:%d`, or add `--cap-add SETUID --cap-add SETGID`, or set HERMES_ALLOW_ROOT_GATEWAY=1 if you must",
		ErrCannotStepDown, strings.Join(lacking, ", "), defaultID, defaultID)
}

// missing returns the names of the capabilities that are not in effect. One that cannot be queried counts as missing.
func missing(caps []int) []string {
	var data [2]unix.CapUserData
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	err := unix.Capget(&header, &data[0])
	var names []string
	for _, c := range caps {
		if err != nil || data[c/32].Effective&(1<<(c%32)) == 0 {
			names = append(names, capNames[c])
		}
	}
	return names
}

// ExecUser returns the user that a root process of docker exec has to become: the user who runs the container's trees, or the
// runtime user if root runs them. A tree in the home counts only if there is none in /run, because the home's content cannot be
// trusted. It cannot make root stay root.
func ExecUser(getenv func(string) string) (User, error) {
	if owner, ok := treeOwner(getenv); ok && owner.UID != 0 {
		return owner, nil
	}
	return RuntimeUser(getenv)
}

// Stranger reports whether this process is neither root nor the user as whom the container's gateways run, and returns that user.
// Without a supervisor no process is a stranger.
func Stranger(getenv func(string) string) (User, bool) {
	owner, ok := treeOwner(getenv)
	if !ok || os.Geteuid() == 0 {
		return User{}, false
	}
	if owner.UID == 0 {
		u, err := RuntimeUser(getenv)
		if err != nil {
			return User{}, false
		}
		owner = u
	}
	return owner, owner.UID != os.Geteuid()
}

// OneUser reports whether everything in this container runs as one user who is not root. Then nothing can change owners.
func OneUser(getenv func(string) string) bool {
	owner, ok := treeOwner(getenv)
	return ok && owner.UID != 0
}

// treeOwner returns the owner of the container's trees. If another init is in charge, it is the owner of that init's base directory:
// s6-overlay creates it as the user as whom the container was started.
func treeOwner(getenv func(string) string) (User, bool) {
	dirs := []string{s6.RootTree(s6.RunDir), Layout{s6.RunDir}.BaseDir()}
	if dir := s6.HomeRunDir(getenv); dir != "" {
		dirs = append(dirs, s6.RootTree(dir))
	}
	for _, dir := range dirs {
		fd, err := openDir(dir)
		if err != nil {
			continue
		}
		var st unix.Stat_t
		err = unix.Fstat(fd, &st)
		_ = unix.Close(fd)
		return User{UID: int(st.Uid), GID: int(st.Gid), Home: getenv("HERMES_HOME")}, err == nil
	}
	return User{}, false
}

// openDir opens a directory. No element of its path may be a symbolic link.
func openDir(path string) (int, error) {
	fd, err := unix.Openat2(unix.AT_FDCWD, path, &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS,
	})
	if errors.Is(err, unix.ENOSYS) { // the kernel is older than Linux 5.6
		fd, err = unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	}
	return fd, err
}
