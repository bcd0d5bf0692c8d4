package container

import (
	"fmt"
	"strings"
)

// switches are the variables that Strict reads.
var switches = []string{OptOut, "HERMES_DASHBOARD", "HERMES_DOCKER_EXEC_AS_ROOT", "HERMES_ALLOW_ROOT_GATEWAY"}

// OddSwitches returns a line about each of these variables whose value means neither on nor off. It counts as off, and the person
// who set it may have meant otherwise.
func OddSwitches(getenv func(string) string) []string {
	var odd []string
	for _, name := range switches {
		value := getenv(name)
		switch strings.ToLower(value) {
		case "", "0", "false", "no", "off":
			continue
		}
		if Strict(value) {
			continue
		}
		const most = 40
		if len(value) > most {
			value = value[:most] + "..."
		}
		odd = append(odd, fmt.Sprintf("%s=%q switches nothing on: 1, true or yes does; 0, false or no leaves it off", name, value))
	}
	return odd
}
