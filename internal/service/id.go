package service

import (
	"fmt"
	"strings"

	"hermes/internal/profile"
)

// ID names a supervised service: the gateway of a profile, or the dashboard.
type ID struct{ s string }

const gatewayPrefix = "gateway-"

// Gateway returns the ID of a profile's gateway, gateway-<profile>.
func Gateway(n profile.Name) ID { return ID{gatewayPrefix + n.String()} }

// Dashboard returns the ID of the dashboard.
func Dashboard() ID { return ID{"dashboard"} }

// ParseID reads the name of a service directory. ok is false for a name that is none of ours.
func ParseID(s string) (_ ID, ok bool) {
	if s == "dashboard" {
		return Dashboard(), true
	}
	suffix, found := strings.CutPrefix(s, gatewayPrefix)
	if !found {
		return ID{}, false
	}
	name, err := profile.ParseName(suffix)
	if err != nil {
		return ID{}, false
	}
	return Gateway(name), true
}

// String returns the name of the service directory.
func (id ID) String() string { return id.s }

// Profile returns the profile whose gateway this is. ok is false for the dashboard.
func (id ID) Profile() (_ profile.Name, ok bool) {
	suffix, found := strings.CutPrefix(id.s, gatewayPrefix)
	if !found {
		return profile.Name{}, false
	}
	name, err := profile.ParseName(suffix)
	return name, err == nil
}

// MarshalText writes the service's name, for JSON.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.s), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *ID) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*id = ID{}
		return nil
	}
	got, ok := ParseID(string(text))
	if !ok {
		return fmt.Errorf("%q is no service", text)
	}
	*id = got
	return nil
}
