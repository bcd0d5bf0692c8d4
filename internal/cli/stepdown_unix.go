//go:build unix

package cli

import (
	"os"
	"os/user"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// leaveTerminal gives this process a session of its own, where it can have one: after stepping down it must not be able to
// type into the terminal of the shell that root started it from. The leader of a job cannot leave it; but nobody of the
// new user's can reach into that one (a process that changed its user is not to be traced, prctl(2) PR_SET_DUMPABLE), and what it
// starts has a session of its own.
func leaveTerminal() { _, _ = unix.Setsid() }

// becomeUser turns root into a user of the host, for good, with that user's own groups.
func becomeUser(uid, gid int) error {
	groups := []int{gid}
	env := map[string]string{}
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		env["HOME"], env["USER"], env["LOGNAME"] = u.HomeDir, u.Username, u.Username
		if ids, err := u.GroupIds(); err == nil {
			groups = groups[:0]
			for _, id := range ids {
				if n, err := strconv.Atoi(id); err == nil {
					groups = append(groups, n)
				}
			}
		}
		if n, err := strconv.Atoi(u.Gid); err == nil {
			gid = n
		}
	}
	// HERMES_HOME stays what it was: it may have come from root's HOME.
	if os.Getenv("HERMES_HOME") == "" && os.Getenv("HOME") != "" {
		env["HERMES_HOME"] = os.Getenv("HOME") + "/.hermes"
	}
	if err := syscall.Setgroups(groups); err != nil {
		return err
	}
	if err := syscall.Setgid(gid); err != nil {
		return err
	}
	if err := syscall.Setuid(uid); err != nil {
		return err
	}
	for name, value := range env {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	leaveTerminal()
	return nil
}
