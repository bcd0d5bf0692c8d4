package systemd

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"hermes/internal/service/hosted"
)

// What a gateway's end means to systemd (contract "Exit codes"): the same as to the other managers, see restart.Of.
const endRules = `Restart=on-failure
SuccessExitStatus=75 129 143
RestartForceExitStatus=75 129 143 SIGHUP SIGTERM
RestartPreventExitStatus=78 126
`

// Versions of systemd. From steppedRestarts on RestartSteps= makes the pauses grow. What they grow with counts all restarts since
// somebody last started the unit, however long ago; only from resetRestarts on can the gateway say that it is well
// again (RESTART_RESET=1, see gateway.serve). Before it no pause is longer than plainPause, so that a gateway that fails
// twice a year is back soon. Before both every pause is plainPause, so that the limit is not reached in seconds.
const (
	steppedRestarts = 254
	resetRestarts   = 258
	plainPause      = 10 * time.Second
)

// Options that need no rights: what they forbid is enforced by seccomp and no_new_privs. MemoryDenyWriteExecute is not
// among them: programs that a gateway starts may compile at run time.
const hardening = `NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
`

// Options that only the system's manager can grant. ProtectHome is not among them: HERMES_HOME may lie in /home.
const systemHardening = `ProtectSystem=strict
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
CapabilityBoundingSet=
`

// unitFile renders the systemd unit of a gateway, for a version of systemd.
func unitFile(d hosted.Definition, version int) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Made by `hermes gateway install`, and made anew by it. `systemctl edit` adds to it.")
	line("[Unit]")
	line("Description=%s", d.Title())
	if d.User != "" {
		line("Wants=network-online.target")
		line("After=network-online.target")
	}
	line("StartLimitIntervalSec=%s", seconds(d.Rule.Window))
	line("StartLimitBurst=%d", d.Rule.Limit)
	line("")
	line("[Service]")
	line("Type=notify")
	line("NotifyAccess=main")
	line("ExecStart=%s %s", quote(d.Program), strings.Join(d.Args(), " "))
	for _, v := range d.Environment() {
		line("Environment=%s", quote(v))
	}
	if d.User != "" {
		line("User=%s", d.User)
	}
	b.WriteString(endRules)
	first, most := d.Rule.First, d.Rule.Max
	switch {
	case version < steppedRestarts:
		first, most = max(first, plainPause), 0
	case version < resetRestarts:
		most = min(most, plainPause)
	}
	line("RestartSec=%s", seconds(first))
	if most > first {
		line("RestartSteps=%d", int(math.Ceil(math.Log2(float64(most)/float64(first))))) // they double
		line("RestartMaxDelaySec=%s", seconds(most))
	}
	line("KillMode=mixed")
	line("TimeoutStartSec=infinity")
	line("TimeoutStopSec=%s", seconds(d.KillAfter))
	b.WriteString(hardening)
	if d.User != "" {
		b.WriteString(systemHardening)
		line("ReadWritePaths=%s", quote(d.Home))
	}
	line("")
	line("[Install]")
	if d.User != "" {
		line("WantedBy=multi-user.target")
	} else {
		line("WantedBy=default.target")
	}
	line("")
	line("[X-Hermes]")
	line("%s%s", ownerMark, strconv.Quote(d.Home))
	return b.String()
}

// seconds writes a duration for systemd (systemd.time(7)).
func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
}

// quote writes one word for systemd (systemd.syntax(7), systemd.unit(5) "Specifiers"). It is for values in which $ means
// itself: a program's path, assignments of Environment=, paths.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`).Replace(s) + `"`
}

// parseVersion reads the number at the start of what systemd says of itself: "257.9-1~deb13u1", "v255".
func parseVersion(text string) int {
	text = strings.TrimPrefix(text, "v")
	end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(text)
	}
	n, _ := strconv.Atoi(text[:end])
	return n
}
