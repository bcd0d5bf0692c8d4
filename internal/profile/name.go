package profile

import (
	"fmt"
	"slices"
)

// Name is a valid profile name. Only ParseName and NewName make one from a string, so a Name can be used in a path or a script
// without quoting. The zero Name is not valid.
type Name struct{ s string }

// DefaultName is the name of the profile whose home is the root of HERMES_HOME.
const DefaultName = "default"

// MaxNameLen is the length of the longest name, in bytes (contract "On disk").
const MaxNameLen = 64

// Default returns the name of the root profile.
func Default() Name { return Name{DefaultName} }

// reserved names would look like a person, a program or a role in a list of processes.
var reserved = []string{DefaultName, "hermes", "root"}

// NameError says why a string is not a profile name.
type NameError struct{ Name, Reason string }

func (e *NameError) Error() string {
	return fmt.Sprintf("invalid profile name %q: %s", e.Name, e.Reason)
}

// ParseName accepts "default" and every name that NewName accepts.
// Errors are of type *NameError.
func ParseName(s string) (Name, error) {
	if s == DefaultName {
		return Default(), nil
	}
	return NewName(s)
}

// NewName accepts a name for a named profile: [a-z0-9][a-z0-9_-]{0,63}, except the reserved ones. Errors are of type *NameError.
func NewName(s string) (Name, error) {
	switch {
	case s == "":
		return Name{}, &NameError{s, "it is empty"}
	case len(s) > MaxNameLen:
		return Name{}, &NameError{s[:MaxNameLen] + "...", fmt.Sprintf("it is longer than %d characters", MaxNameLen)}
	case slices.Contains(reserved, s):
		return Name{}, &NameError{s, "it is reserved"}
	}
	for i := range len(s) {
		c := s[i]
		alnum := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !alnum && (i == 0 || c != '_' && c != '-') {
			return Name{}, &NameError{s, "use lower-case letters, digits, - and _, and begin with a letter or digit"}
		}
	}
	return Name{s}, nil
}

// String returns the name as it was parsed.
func (n Name) String() string { return n.s }

// IsDefault reports whether n is the root profile.
func (n Name) IsDefault() bool { return n.s == DefaultName }

// MarshalText writes the name, for JSON.
func (n Name) MarshalText() ([]byte, error) { return []byte(n.s), nil }

// UnmarshalText parses a name, from JSON.
func (n *Name) UnmarshalText(b []byte) error {
	p, err := ParseName(string(b))
	*n = p
	return err
}
