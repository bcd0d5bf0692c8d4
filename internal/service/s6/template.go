package s6

import (
	"fmt"
	"strings"
	"time"

	"hermes/internal/service"
	"hermes/internal/service/restart"
)

// maxDeathTally is how many deaths s6-supervise remembers, which status uses to count restarts. Backoff needs fewer. 4096 is the
// most that s6 allows.
const maxDeathTally = 4096

// napFile is a file in the slot that exists while the run script waits before it starts a failed service again. It contains the time
// to wait, in seconds. s6 never touches the directory data (servicedir.html).
const napFile = "data/nap"

// The scripts of a slot. The names in them come from service.ID, which allows no character that is special to a shell, so they need
// no quotes.
//
// run, not finish, waits for the end of a backoff pause, because a run script can be stopped at once and a finish script cannot.
// TERM means stop, WINCH means start (Manager.Start). The script sets its traps before it reads the file. So a process that removes
// the file and then sends a signal wakes the script, wherever the script is.
const runTemplate = `#!/bin/sh
exec 2>&1
export HERMES_S6_SUPERVISED_CHILD=1 GOMAXPROCS="${GOMAXPROCS:-1}"
%[2]sif [ -f data/nap ]; then
	trap 'kill "$!"; rm -f data/nap; exit 75' TERM
	trap 'kill "$!"; rm -f data/nap; exec %[1]s' WINCH
	read -r delay <data/nap
	sleep "${delay:-0}" 3>&- &
	wait "$!"
	rm -f data/nap
fi
exec %[1]s
`

// ownTemplate is the part of run for a service with variables of its own. If there is no directory for them, they are in the
// environment already.
const ownTemplate = `set --
[ ! -d "$HERMES_SLOT_ENV/%[1]s" ] || set -- s6-envdir -fnL "$HERMES_SLOT_ENV/%[1]s"
`

// finish: 125 tells s6-supervise not to restart (servicedir.html). What follows the case statement is about failures. The pause that
// echo writes counts if hermes cannot decide, because it is missing or is killed by the time limit.
const finishTemplate = `#!/bin/sh
%[2]secho %[3]d >data/nap
exec hermes gateway finish %[1]s "$1" "$2"
`

// log/run: every line goes to docker logs with its profile in front, and to the rotated file: 10 archives of 1 MB, with ISO 8601
// timestamps (contract "On disk") in UTC, which each line says (package logs). If the directory cannot be used, logging goes on
// without the file. A logger gets only the variables that it needs.
//
// s6-log ends if its lock is taken (s6-log.html), and then its supervisor would start it again every second. This happens if only
// the supervisor died: the logger that it left behind goes on reading the same pipe and holds the lock until the gateway's slot is
// removed. So the new logger waits for the lock, says so once, and takes over when the old one ends. s6-setlock exits 1 if the lock
// is taken (s6-setlock.html). The new logger waits for only a few seconds at a time and then ends: a waiting logger learns of the
// end of its service only by not being started again, and docker stop allows only ten seconds.
//
// s6-log renames current, which it makes executable when it has finished it, and ends if it cannot rename it. That happens if
// current is a mount.
const logTemplate = `#!/bin/sh
dir="$HERMES_HOME/logs/%[1]s"
umask 027
mount=
if [ -f "$dir/current" ] && [ ! -x "$dir/current" ]; then
	while read -r _ _ _ _ at _; do [ "$at" != "$dir/current" ] || mount=1; done </proc/self/mountinfo
fi
if [ -z "$mount" ] && { [ -d "$dir" ] || mkdir -p "$dir"; } && [ -w "$dir" ]; then
	s6-setlock -n "$dir/lock" true 2>/dev/null
	if [ $? -eq 1 ]; then
		[ -e waits ] || echo "[%[2]s] waiting for $dir/lock: another process still logs there"
		: >waits
		exec s6-setlock -t 3000 "$dir/lock" true 2>/dev/null
	fi
	[ ! -e waits ] || rm -f waits
	exec env -i PATH="$PATH" TZ=UTC0 s6-log n10 s1000000 'p[%[2]s]' 1 pUTC T "$dir"
fi
echo "cannot log to $dir${mount:+, where current is a mount of its own}: logging to the container's log only"
exec env -i PATH="$PATH" s6-log 'p[%[2]s]' 1
`

// finishTimeout is how long a finish script may take (timeout-finish). It is twice s6's default, because the machine is slow for a
// minute when many gateways crash at once.
const finishTimeout = 10 * time.Second

func runScript(id service.ID) string {
	command, own := strings.Join(service.Command(id, service.ReadyFD), " "), ""
	if HasOwn(id) {
		command, own = `"$@" `+command, fmt.Sprintf(ownTemplate, id)
	}
	return fmt.Sprintf(runTemplate, command, own)
}

// HasOwn reports whether the slot of a service looks for the service's own variables in service.SlotEnv.
func HasOwn(id service.ID) bool {
	name, gateway := id.Profile()
	return !gateway || name.IsDefault()
}

func finishScript(id service.ID) string {
	return fmt.Sprintf(finishTemplate, id, restart.Shell(), int(restart.Default().Max.Seconds()))
}

func logScript(id service.ID) string {
	return fmt.Sprintf(logTemplate, strings.TrimPrefix(service.LogDir(id), "logs/"), service.LogLabel(id))
}
