package ports

import (
	"hermes/internal/profile"
	"testing"
)

func TestDerivedPortsNeverMove(t *testing.T) {
	for name, want := range map[string]int{"default": 8642, "coder": 9653, "a": 9450, "research-2": 9605} {
		n, err := profile.ParseName(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := Derived(n); got != want {
			t.Errorf("%s: %d, want %d: a profile's clients would lose it", name, got, want)
		}
	}
}

func FuzzDerivedPort(f *testing.F) {
	f.Add("coder")
	f.Fuzz(func(t *testing.T, s string) {
		n, err := profile.NewName(s)
		if err != nil {
			return
		}
		if p := Derived(n); p < First || p >= End || p != Derived(n) {
			t.Errorf("%s: port %d", s, p)
		}
	})
}
