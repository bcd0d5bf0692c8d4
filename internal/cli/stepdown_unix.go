//go:build unix

package cli

import (
	"os"
	"os/user"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// leaveTerminal gives this process a session of its own, so that after it has stepped down it cannot type into the terminal of the
// shell that root started it from. setsid fails for the leader of a process group, which then keeps the terminal. That is safe:
// other processes of the new user cannot reach into it, because a process that changed its user cannot be traced (prctl(2)
// PR_SET_DUMPABLE), and the processes that it starts get sessions of their own.
func leaveTerminal() { _, _ = unix.Setsid() }

// becomeUser turns root into a user of the host, with that user's own groups. It cannot go back to root.
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
	// HOME changes here. If HERMES_HOME was not set, the home followed from root's HOME, so it is written down before that.
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
