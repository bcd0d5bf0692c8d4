package container

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// orphanGrace is how long services whose tree was killed may take to end: a drain and its margin.
const orphanGrace = 30 * time.Second

// shQuote quotes a string for sh.
func shQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// forwardScript passes a signal that PID 1 got on to the process that runs the command. s6-svscan runs
// a script named like the signal (s6-svscan, "Signals").
const forwardScript = `#!/bin/sh
read -r pid <` + stage2PIDFile + ` && kill -%s "$pid"
`

// stopScript answers docker stop: the command gets its SIGTERM while the gateways come down.
const stopScript = `#!/bin/sh
read -r pid <` + stage2PIDFile + ` && kill -TERM "$pid"
exec s6-svscanctl -t ` + TreeDir + `
`

const haltScript = `#!/bin/sh
# Stops the container.
exec s6-svscanctl -t ` + TreeDir + `
`

// stage3Script is what s6-svscan becomes when its tree is down.
const stage3Script = `#!/bin/sh
exec s6-envdir -IfnL ` + EnvDir + ` %s init --stage3
`

// userTreeScript runs the gateways' own tree as the runtime user (B1). s6-svscan says on
// descriptor 3 that it takes commands; the FIFO is opened for both ways so that a later start does
// not wait for a reader. 4096 is twice what a thousand logged slots need.
const userTreeScript = `#!/bin/sh
exec 3<>` + userTreeReady + `
exec s6-envdir -fnL ` + EnvDir + ` s6-applyuidgid -u %d -g %d -G %d \
	env HOME=%s USER=` + UserName + ` LOGNAME=` + UserName + ` s6-svscan -d 3 -C 4096 %s
`

// userTreeFinish runs after the gateways' tree ended. If it was killed, its s6-supervise processes go on
// without it and would keep a new tree from supervising their services; they are brought down first.
const userTreeFinish = `#!/bin/sh
[ "$1" != 0 ] || exit 0
exec s6-envdir -IfnL ` + EnvDir + ` %s init --orphans
`

type script struct{ path, content string }

// writeScripts makes executable files that only root can change.
func writeScripts(scripts []script) error {
	for _, s := range scripts {
		if err := os.MkdirAll(filepath.Dir(s.path), 0o755); err != nil {
			return fmt.Errorf("cannot prepare the supervision tree: %w", err)
		}
		if err := os.WriteFile(s.path, []byte(s.content), 0o755); err != nil {
			return fmt.Errorf("cannot prepare the supervision tree: %w", err)
		}
	}
	return nil
}

// writeRootTree makes the root scan directory. self is the path of this program.
func writeRootTree(self string) error {
	control := filepath.Join(TreeDir, ".s6-svscan")
	scripts := []script{
		{filepath.Join(control, "finish"), fmt.Sprintf(stage3Script, shQuote(self))},
		{filepath.Join(control, "SIGTERM"), stopScript},
		{filepath.Join(BaseDir, "bin", "halt"), haltScript},
	}
	for _, sig := range []string{"HUP", "INT", "QUIT", "USR1", "USR2"} {
		scripts = append(scripts, script{filepath.Join(control, "SIG"+sig), fmt.Sprintf(forwardScript, sig)})
	}
	return writeScripts(scripts)
}

// writeUserTree adds the service that runs the gateways' tree.
func writeUserTree(self string, u User, scandir string) error {
	tmp, dir := filepath.Join(TreeDir, ".user-tree"), filepath.Join(TreeDir, "user-tree")
	run := fmt.Sprintf(userTreeScript, u.UID, u.GID, u.GID, shQuote(u.Home), shQuote(scandir))
	if err := writeScripts([]script{
		{filepath.Join(tmp, "run"), run},
		{filepath.Join(tmp, "finish"), fmt.Sprintf(userTreeFinish, shQuote(self))},
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
