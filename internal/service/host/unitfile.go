package host

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// What a gateway's end means to systemd (contract "Exit codes"): the same as to the other managers, see service.ExitOf.
const endRules = `Restart=on-failure
SuccessExitStatus=75 143
RestartForceExitStatus=75 143 SIGTERM
RestartPreventExitStatus=78 126
`

// steppedRestarts is the version of systemd from which RestartSteps= makes the pauses grow. Before it every pause is
// plainPause, so that the limit is not reached in seconds.
const (
	steppedRestarts = 254
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
func unitFile(d definition, version int) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Made by `hermes gateway install`, and made anew by it. `systemctl edit` adds to it.")
	line("[Unit]")
	line("Description=%s", d.title())
	if d.user != "" {
		line("Wants=network-online.target")
		line("After=network-online.target")
	}
	line("StartLimitIntervalSec=%s", seconds(d.rule.Window))
	line("StartLimitBurst=%d", d.rule.Limit)
	line("")
	line("[Service]")
	line("Type=notify")
	line("NotifyAccess=main")
	line("ExecStart=%s %s", quote(d.program), strings.Join(d.args(), " "))
	for _, v := range d.environment() {
		line("Environment=%s", quote(v))
	}
	if d.user != "" {
		line("User=%s", d.user)
	}
	b.WriteString(endRules)
	if first := d.rule.First; version < steppedRestarts {
		line("RestartSec=%s", seconds(max(plainPause, first)))
	} else {
		line("RestartSec=%s", seconds(first))
		if steps := int(math.Ceil(math.Log2(float64(d.rule.Max) / float64(first)))); steps > 0 { // they double
			line("RestartSteps=%d", steps)
			line("RestartMaxDelaySec=%s", seconds(d.rule.Max))
		}
	}
	line("KillMode=mixed")
	line("TimeoutStartSec=infinity")
	line("TimeoutStopSec=%s", seconds(d.killAfter))
	b.WriteString(hardening)
	if d.user != "" {
		b.WriteString(systemHardening)
		line("ReadWritePaths=%s", quote(d.home))
	}
	line("")
	line("[Install]")
	if d.user != "" {
		line("WantedBy=multi-user.target")
	} else {
		line("WantedBy=default.target")
	}
	line("")
	line("[X-Hermes]")
	line("%s%s", ownerMark, strconv.Quote(d.home))
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
