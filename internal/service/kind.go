package service

// Kind is a sort of service manager (contract "Words").
type Kind string

// The managers.
const (
	KindS6    Kind = "s6"
	KindLocal Kind = "local"
	KindNone  Kind = "none"
)

// ManagerName is what status prints for a kind (M13). container says whether
// this process runs in a container, where nobody in charge means docker itself.
func ManagerName(k Kind, container bool) string {
	switch {
	case k == KindS6:
		return "s6 (container supervisor)"
	case k == KindLocal:
		return "hermes up (embedded supervisor)"
	case container:
		return "docker (foreground)"
	}
	return "manual process"
}
