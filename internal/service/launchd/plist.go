package launchd

import (
	"bytes"
	"fmt"
	"strings"

	"howett.net/plist"

	"hermes/internal/service/hosted"
	"hermes/internal/service/restart"
)

// label is the name of a gateway's job: hermes.gateway-coder.
func label(d hosted.Definition) string { return "hermes." + d.ID.String() }

// job is a launchd job (launchd.plist(5)).
type job struct {
	Label                string
	ProgramArguments     []string
	EnvironmentVariables map[string]string
	UserName             string `plist:",omitempty"`
	RunAtLoad            bool
	restart.LaunchdKeys
	ExitTimeOut int // in seconds
	ProcessType string
}

// madeByUs is a comment in the file of a job that says that hermes made it.
const madeByUs = "<!-- Made by `hermes gateway install`, and made anew by it. -->\n"

// render writes the launchd job of a gateway. hosted.Definition.Check has refused characters that XML cannot contain.
func render(d hosted.Definition) ([]byte, error) {
	j := job{
		Label: label(d), ProgramArguments: append([]string{d.Program}, d.Args()...), EnvironmentVariables: map[string]string{}, UserName: d.User,
		RunAtLoad: true, LaunchdKeys: restart.Launchd(), ExitTimeOut: int(d.KillAfter.Seconds() + 0.5), ProcessType: "Background",
	}
	for _, v := range d.Environment() {
		name, value, _ := strings.Cut(v, "=")
		j.EnvironmentVariables[name] = value
	}
	text, err := plist.MarshalIndent(j, plist.XMLFormat, "\t")
	if err != nil {
		return nil, fmt.Errorf("cannot write a property list: %w", err)
	}
	head, rest, _ := bytes.Cut(text, []byte("<plist"))
	return bytes.Join([][]byte{head, []byte(madeByUs + "<plist"), rest, []byte("\n")}, nil), nil
}

// plistHome returns the home for which a job was made. ok is false if hermes did not make the job.
func plistHome(data []byte) (home string, ok bool) {
	var j job
	if !bytes.Contains(data, []byte("`hermes gateway install`")) {
		return "", false
	}
	if _, err := plist.Unmarshal(data, &j); err != nil {
		return "", false
	}
	home, ok = j.EnvironmentVariables["HERMES_HOME"]
	return home, ok
}
