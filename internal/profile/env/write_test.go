package env

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"hermes/internal/profile/profiletest"
)

// TestOfManyThatWriteAtOnceNoneLosesWhatAnotherWrote: a dashboard sets variables while a first start makes the key and an assignment
// writes the port.
func TestOfManyThatWriteAtOnceNoneLosesWhatAnotherWrote(t *testing.T) {
	const writers = 12
	for range 3 {
		h := profiletest.Home(t)
		profiletest.Put(t, h.Env(), "# mine\nKEPT=1\nGONE=1\n")
		var wg sync.WaitGroup
		begin := make(chan struct{})
		start := func(what string, f func() error) {
			wg.Go(func() {
				<-begin
				if err := f(); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			})
		}
		for i := range writers {
			start("set", func() error { return Set(t.Context(), h, fmt.Sprintf("V%d", i), "x y") })
		}
		for range 3 {
			start("key", func() error { return EnsureKey(t.Context(), h) })
		}
		start("port", func() error { return Put(t.Context(), h, Port, "9300") })
		start("remove", func() error { return Remove(t.Context(), h, "GONE") })
		close(begin)
		wg.Wait()
		vars, err := Load(h)
		if err != nil {
			t.Fatal(err)
		}
		for i := range writers {
			if name := fmt.Sprintf("V%d", i); vars[name] != "x y" {
				t.Errorf("%s is lost", name)
			}
		}
		if vars[Key] == "" || vars[Port] != "9300" || vars["KEPT"] != "1" || len(vars) != writers+3 {
			t.Errorf("got %q", vars)
		}
		text := profiletest.Read(t, h.Env())
		if !strings.HasPrefix(text, "# mine\nKEPT=1\n") || strings.Count(text, Key+"=") != 1 {
			t.Errorf("got %q", text)
		}
		if left := profiletest.Files(t, h.Dir); len(left) != 1 {
			t.Errorf("the home keeps %q", left)
		}
	}
}
