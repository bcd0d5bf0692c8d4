package launchd

import (
	"fmt"
	"strings"

	"hermes/internal/service/hosted"
	"hermes/internal/service/restart"
)

// label is the name of a gateway's job: hermes.gateway-coder.
func label(d hosted.Definition) string { return "hermes." + d.ID.String() }

// plist renders the launchd job of a gateway. Characters that XML cannot hold are refused before (hosted.Definition.Check).
func plist(d hosted.Definition) string {
	var b strings.Builder
	text := func(s string) string { return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s) }
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line(`<?xml version="1.0" encoding="UTF-8"?>`)
	line(`<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">`)
	line("<!-- Made by `hermes gateway install`, and made anew by it. -->")
	line(`<plist version="1.0">`)
	line("<dict>")
	line("\t<key>Label</key>\n\t<string>%s</string>", text(label(d)))
	line("\t<key>ProgramArguments</key>\n\t<array>")
	for _, arg := range append([]string{d.Program}, d.Args()...) {
		line("\t\t<string>%s</string>", text(arg))
	}
	line("\t</array>")
	line("\t<key>EnvironmentVariables</key>\n\t<dict>")
	for _, v := range d.Environment() {
		name, value, _ := strings.Cut(v, "=")
		line("\t\t<key>%s</key>\n\t\t<string>%s</string>", text(name), text(value))
	}
	line("\t</dict>")
	if d.User != "" {
		line("\t<key>UserName</key>\n\t<string>%s</string>", text(d.User))
	}
	line("\t<key>RunAtLoad</key>\n\t<true/>")
	again := restart.Launchd()
	line("\t<key>KeepAlive</key>\n\t<dict>\n\t\t<key>SuccessfulExit</key>\n\t\t<%t/>\n\t</dict>", again.KeepAlive.SuccessfulExit)
	line("\t<key>ThrottleInterval</key>\n\t<integer>%d</integer>", again.ThrottleInterval)
	line("\t<key>ExitTimeOut</key>\n\t<integer>%d</integer>", int(d.KillAfter.Seconds()+0.5))
	line("\t<key>ProcessType</key>\n\t<string>Background</string>")
	line("</dict>")
	line("</plist>")
	return b.String()
}

// plistHome reads the home that a job was made for. ok is false for a job that hermes did not make.
func plistHome(data []byte) (home string, ok bool) {
	_, rest, found := strings.Cut(string(data), "<key>HERMES_HOME</key>\n\t\t<string>")
	text, _, closed := strings.Cut(rest, "</string>")
	if !found || !closed || !strings.Contains(string(data), "`hermes gateway install`") {
		return "", false
	}
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text), true
}
