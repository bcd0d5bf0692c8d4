package boot

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"

	"hermes/internal/profile"
	"hermes/internal/volume"
)

const (
	// markName is there while a reconcile works, and afterwards if it was killed. It then holds the name of the profile that
	// was worked on, if that is known.
	markName = ".boot-working"
	// skippedName lists the profiles that killed one.
	skippedName = ".boot-skipped.json"
	// maxGuardFile bounds both.
	maxGuardFile = 1 << 20
)

// guard sees to it that a profile whose files kill the process that reads them, for example because they take all
// memory, costs one try and not every boot. A reconcile that finds the mark of one that was killed works on one profile
// at a time and writes down on which. If it is killed too, the next one knows by which profile, and leaves that one out
// until its files change.
//
// Where nothing can be written there is no guard.
type guard struct {
	files   volume.Dir
	mark    *os.File
	careful bool
	skipped map[string]string // profile: what its files were
}

// newGuard looks at what the last reconcile left, and begins.
func newGuard(store *profile.Store) *guard {
	g := &guard{files: store.Files(), skipped: map[string]string{}}
	if data, err := g.files.ReadFile(skippedName, maxGuardFile); err == nil && json.Unmarshal(data, &g.skipped) != nil {
		g.skipped = map[string]string{} // half of it, or not ours
	}
	known := len(g.skipped)
	maps.DeleteFunc(g.skipped, func(name, was string) bool { return g.fingerprint(store, name) != was })
	changed := len(g.skipped) != known
	if data, err := g.files.ReadFile(markName, maxGuardFile); err == nil {
		g.careful = true
		if name := string(data); name != "" {
			g.skipped[name] = g.fingerprint(store, name)
			changed = true
		}
	}
	if changed {
		g.keep()
	}
	_ = g.files.RemoveIfThere(markName)
	g.mark, _ = g.files.Create(markName, 0o600)
	return g
}

// fingerprint is different when one of the files that a boot reads has changed.
func (g *guard) fingerprint(store *profile.Store, name string) string {
	n, err := profile.ParseName(name)
	if err != nil {
		return ""
	}
	seen := ""
	for _, file := range []string{profile.ConfigName, profile.EnvName, profile.StateName} {
		info, err := store.Home(n).Files().Lstat(file)
		switch {
		case err == nil:
			seen += fmt.Sprintf("%s %d %d;", file, info.Size(), info.ModTime().UnixNano())
		case !errors.Is(err, fs.ErrNotExist):
			seen += file + " ?;"
		}
	}
	return seen
}

func (g *guard) keep() {
	if len(g.skipped) == 0 {
		_ = g.files.RemoveIfThere(skippedName) // an empty list says the same
		return
	}
	if data, err := json.Marshal(g.skipped); err == nil {
		_ = g.files.WriteFile(skippedName, append(data, '\n'), 0o600) // without it, the profile kills once more
	}
}

// skip tells why a profile is left out; "" if it is not.
func (g *guard) skip(label string) string {
	if _, ok := g.skipped[label]; !ok {
		return ""
	}
	return fmt.Sprintf("a boot was killed while it worked on this profile: it is left out until its config.yaml, .env or gateway_state.json changes, or %s is removed",
		g.files.Path(skippedName))
}

// working notes on which profile work begins, where that is to be known.
func (g *guard) working(label string) {
	if !g.careful || g.mark == nil {
		return
	}
	if g.mark.Truncate(0) == nil {
		_, _ = g.mark.WriteAt([]byte(label), 0)
	}
}

// done ends the work: it was not killed.
func (g *guard) done() {
	if g.mark != nil {
		g.mark.Close()
	}
	_ = g.files.RemoveIfThere(markName)
}
