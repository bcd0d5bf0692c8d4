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
	// markName exists while Reconcile works, and stays if Reconcile is killed. It may contain the name of the profile that Reconcile
	// was working on.
	markName = ".boot-working"
	// skippedName lists the profiles that are skipped because Reconcile was killed while it worked on them.
	skippedName = ".boot-skipped.json"
	// maxGuardFile limits the size of both files, in bytes.
	maxGuardFile = 1 << 20
)

// guard handles profiles whose files kill the process that reads them, for example because they take all memory: such a profile must
// not ruin every boot. If Reconcile finds the mark of a Reconcile that was killed, it works on one profile at a time and writes the
// profile's name into its own mark. If it is killed too, the next Reconcile knows the profile and skips it until its files change.
//
// If the volume cannot be written, there is no guard.
type guard struct {
	files   volume.Dir
	mark    *os.File
	careful bool
	skipped map[string]string // by profile: the fingerprint of its files when it was skipped
}

// newGuard reads what the last Reconcile left, and writes the mark.
func newGuard(store *profile.Store) *guard {
	g := &guard{files: store.Files(), skipped: map[string]string{}}
	if data, err := g.files.ReadFile(skippedName, maxGuardFile); err == nil && json.Unmarshal(data, &g.skipped) != nil {
		g.skipped = map[string]string{} // it is half written, or another program wrote it
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

// fingerprint changes when one of the files changes that a boot reads.
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
		_ = g.files.RemoveIfThere(skippedName) // an empty list means the same as no file
		return
	}
	if data, err := json.Marshal(g.skipped); err == nil {
		_ = g.files.WriteFile(skippedName, append(data, '\n'), 0o600) // if this fails, the profile kills one more boot
	}
}

// skip returns why a profile is skipped, or "" if it is not.
func (g *guard) skip(label string) string {
	if _, ok := g.skipped[label]; !ok {
		return ""
	}
	return fmt.Sprintf("a boot was killed while it worked on this profile: it is left out until its config.yaml, .env or gateway_state.json changes, or %s is removed",
		g.files.Path(skippedName))
}

// working writes the name of the profile that is next into the mark, if an earlier Reconcile was killed.
func (g *guard) working(label string) {
	if !g.careful || g.mark == nil {
		return
	}
	if g.mark.Truncate(0) == nil {
		_, _ = g.mark.WriteAt([]byte(label), 0)
	}
}

// done removes the mark, because this Reconcile was not killed.
func (g *guard) done() {
	if g.mark != nil {
		g.mark.Close()
	}
	_ = g.files.RemoveIfThere(markName)
}
