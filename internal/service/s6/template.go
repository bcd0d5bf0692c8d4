package s6

import (
	"fmt"
	"strings"
	"time"

	"hermes/internal/service"
	"hermes/internal/service/restart"
)

// maxDeathTally is how many deaths s6-supervise remembers. Backoff looks at fewer; status
// counts restarts with it. 4096 is the most that s6 allows.
const maxDeathTally = 4096

// napFile exists, in the slot, while the run script waits before it starts a failed
// service again. Its content is the time to wait, in seconds. s6 never
// touches the directory data (servicedir.html).
const napFile = "data/nap"

// The scripts of a slot. The names in them come from service.ID, which admits
// nothing that a shell would interpret, so they need no quoting.
//
// The wait of a backoff is part of run and not of finish, because a run script can be
// stopped at once and a finish script cannot. TERM is a stop, WINCH a start (Manager.Start).
// The traps come before the file is read: who takes the file away and then sends
// a signal wakes the script wherever it is.
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

// ownTemplate is the part of run for a service with variables of its own. Where nobody keeps them apart, they are in the
// environment.
const ownTemplate = `set --
[ ! -d "$HERMES_SLOT_ENV/%[1]s" ] || set -- s6-envdir -fnL "$HERMES_SLOT_ENV/%[1]s"
`

// finish: 125 tells s6-supervise not to restart (servicedir.html). What follows the case is about failures. The nap is
// what happens if hermes cannot decide: it is killed by the limit, or gone.
const finishTemplate = `#!/bin/sh
%[2]secho %[3]d >data/nap
exec hermes gateway finish %[1]s "$1" "$2"
`

// log/run: every line goes to docker logs with its profile in front, and to the rotated
// file: 10 archives of 1 MB, ISO 8601 timestamps (contract "On disk"), in UTC, which each line says (package logs). Where
// the directory cannot be had, logging goes on without the file. A logger gets no variable but those that it needs.
//
// s6-log ends where its lock is taken (s6-log.html), and its supervisor would start it again each second. When
// only that supervisor died, the logger that it left behind goes on reading the same pipe, and holds the lock until the
// gateway's slot goes. So the new one waits for the lock, says so once, and takes over when the other ends. s6-setlock exits 1 where the
// lock is taken (s6-setlock.html). It waits a few seconds at a time: nothing tells a logger that waits of the end of its service but
// that its supervisor does not start it again, and docker stop allows ten.
//
// s6-log renames current, which it makes executable when it is done with it, and ends where it cannot: current may be a mount.
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

// finishTimeout is how long a finish script may take (timeout-finish). It is s6's default,
// doubled: a crash of many gateways at once makes a slow minute.
const finishTimeout = 10 * time.Second

func runScript(id service.ID) string {
	command, own := strings.Join(service.Command(id, service.ReadyFD), " "), ""
	if HasOwn(id) {
		command, own = `"$@" `+command, fmt.Sprintf(ownTemplate, id)
	}
	return fmt.Sprintf(runTemplate, command, own)
}

// HasOwn reports whether a slot looks for variables of its own in service.SlotEnv.
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
