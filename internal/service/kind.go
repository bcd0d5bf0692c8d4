package service

// Kind is a sort of service manager (contract "Words").
type Kind string

// The managers.
const (
	KindS6      Kind = "s6"
	KindLocal   Kind = "local"
	KindSystemd Kind = "systemd"
	KindLaunchd Kind = "launchd"
	KindWindows Kind = "windows"
	KindNone    Kind = "none"
)

// Variable is set in the environment of a gateway that a manager of the host runs, to the manager's Kind. Such a gateway
// writes its own log directory, because no logger of ours reads its output.
const Variable = "HERMES_SERVICE"

// ManagerName is what status prints for a kind (M13). container says whether
// this process runs in a container, where nobody in charge means docker itself.
func ManagerName(k Kind, container bool) string {
	switch {
	case k == KindS6:
		return "s6 (container supervisor)"
	case k == KindLocal:
		return "hermes up (embedded supervisor)"
	case k == KindSystemd:
		return "systemd"
	case k == KindLaunchd:
		return "launchd"
	case k == KindWindows:
		return "Windows service"
	case container:
		return "docker (foreground)"
	}
	return "manual process"
}
