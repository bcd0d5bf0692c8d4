package systemd

import (
	"fmt"
	"strconv"
	"strings"

	"hermes/internal/service/hosted"
	"hermes/internal/service/restart"
)

// hardening has options that need no rights, because seccomp and no_new_privs enforce them. MemoryDenyWriteExecute is not one of
// them, because programs that a gateway starts may compile code at run time.
const hardening = `NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
`

// systemHardening has options that only the system's manager can apply. ProtectHome is not one of them, because HERMES_HOME may be
// below /home.
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

// unitFile returns the unit of a gateway, for a version of systemd.
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
	b.WriteString(restart.SystemdUnit(d.Rule))
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
	b.WriteString(restart.SystemdService(d.Rule, version))
	line("KillMode=mixed")
	line("TimeoutStartSec=infinity")
	line("TimeoutStopSec=%s", restart.Seconds(d.KillAfter))
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

// quote quotes a word for systemd (systemd.syntax(7), systemd.unit(5) "Specifiers"). It is for values in which systemd does not
// expand $: the path of a program, assignments of Environment=, and other paths.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`).Replace(s) + `"`
}

// parseVersion reads the number at the start of systemd's version: "257.9-1~deb13u1", "v255".
func parseVersion(text string) int {
	text = strings.TrimPrefix(text, "v")
	end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(text)
	}
	n, _ := strconv.Atoi(text[:end])
	return n
}
