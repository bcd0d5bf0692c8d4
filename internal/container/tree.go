package container

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"hermes/internal/environment"
	"hermes/internal/service/s6"
)

// orphanGrace is how long services may take to end after their tree was killed: the time of a drain and a margin.
const orphanGrace = 30 * time.Second

// shQuote quotes a string for sh.
func shQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// forwardScript passes a signal that PID 1 got to the process that runs the command. s6-svscan runs the script that has the signal's
// name (s6-svscan, "Signals").
const forwardScript = `#!/bin/sh
read -r pid <%s && kill -%s "$pid"
`

// stopScript handles docker stop: the command gets SIGTERM while the gateways come down.
const stopScript = `#!/bin/sh
read -r pid <%s && kill -TERM "$pid"
exec s6-svscanctl -t %s
`

const haltScript = `#!/bin/sh
# Stops the container.
exec s6-svscanctl -t %s
`

// stage3Script is what s6-svscan executes when its tree is down.
const stage3Script = `#!/bin/sh
exec s6-envdir -IfnL %s %s init --stage3 %s
`

// userTreeScript runs the gateways' tree as the runtime user (B1). In a container that did not start as root, the outer tree runs as
// that user already, and the script does not change the user. s6-svscan writes to descriptor 3 when it takes commands; the FIFO is
// opened for reading and writing, so that a later start does not wait for a reader. 4096 is twice what a thousand slots with loggers
// need.
const userTreeScript = `#!/bin/sh
%sexec 3<>%s
exec env -i PATH="$PATH" s6-envdir -fnL %s %s \
	env HOME=%s USER=` + UserName + ` LOGNAME=` + UserName + ` s6-svscan -d 3 -C 4096 %s
`

// userTreeFinish runs after the gateways' tree has ended. If the tree was killed, its s6-supervise processes go on without it and
// would keep a new tree from supervising their services. So the script ends them first.
const userTreeFinish = `#!/bin/sh
[ "$1" != 0 ] || exit 0
exec s6-envdir -IfnL %s %s init --orphans
`

type script struct{ path, content string }

// writeScripts writes executable files that only root can change.
func writeScripts(scripts []script) error {
	for _, s := range scripts {
		if err := os.MkdirAll(filepath.Dir(s.path), 0o755); err != nil {
			return fmt.Errorf("cannot prepare the supervision tree: %w", err)
		}
		if err := s6.WriteScript(s.path, s.content, false); err != nil {
			return fmt.Errorf("cannot prepare the supervision tree: %w", err)
		}
	}
	return nil
}

// writeRootTree writes the outer scan directory. self is the path of this program.
func (l Layout) writeRootTree(self string) error {
	control := filepath.Join(l.TreeDir(), ".s6-svscan")
	tree, pid := shQuote(l.TreeDir()), shQuote(l.stage2PID())
	scripts := []script{
		{filepath.Join(control, "finish"), fmt.Sprintf(stage3Script, shQuote(l.EnvDir()), shQuote(self), shQuote(l.Dir))},
		{filepath.Join(control, "SIGTERM"), fmt.Sprintf(stopScript, pid, tree)},
		{filepath.Join(l.BaseDir(), "bin", "halt"), fmt.Sprintf(haltScript, tree)},
	}
	for _, sig := range []string{"HUP", "INT", "QUIT", "USR1", "USR2"} {
		scripts = append(scripts, script{filepath.Join(control, "SIG"+sig), fmt.Sprintf(forwardScript, pid, sig)})
	}
	return writeScripts(scripts)
}

// writeUserTree adds the service that runs the gateways' tree. own means that it does not have to change the user.
func (l Layout) writeUserTree(self string, u User, own bool) error {
	tmp, dir := filepath.Join(l.TreeDir(), ".user-tree"), filepath.Join(l.TreeDir(), "user-tree")
	become := fmt.Sprintf("s6-applyuidgid -u %d -g %d -G %d", u.UID, u.GID, u.GID)
	if own {
		become = ""
	}
	mask := ""
	if n, ok, err := umask(environment.Get); err == nil && ok {
		mask = fmt.Sprintf("umask %03o\n", n)
	}
	run := fmt.Sprintf(userTreeScript, mask, shQuote(l.userTreeReady()), shQuote(l.treeEnv()), become, shQuote(u.Home), shQuote(l.Scandir()))
	if err := writeScripts([]script{
		{filepath.Join(tmp, "run"), run},
		{filepath.Join(tmp, "finish"), fmt.Sprintf(userTreeFinish, shQuote(l.EnvDir()), shQuote(self))},
	}); err != nil {
		return err
	}
	limit := strconv.FormatInt((orphanGrace + 5*time.Second).Milliseconds(), 10)
	if err := os.WriteFile(filepath.Join(tmp, "timeout-finish"), []byte(limit+"\n"), 0o644); err != nil {
		return fmt.Errorf("cannot prepare the supervision tree: %w", err)
	}
	if err := os.Rename(tmp, dir); err != nil {
		return fmt.Errorf("cannot prepare the supervision tree: %w", err)
	}
	return nil
}
