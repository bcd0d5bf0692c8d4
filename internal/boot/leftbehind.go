package boot

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"hermes/internal/profile"
)

// Left is what unfinished boots left behind.
type Left struct {
	// Working is when a boot began that has not finished: it may still run, or it was killed. Zero if there is none.
	Working time.Time
	// Out are the profiles that every boot skips, because they killed one.
	Out []Outcome
}

// LeftBehind reads what unfinished boots left behind. It changes nothing.
func LeftBehind(store *profile.Store) (left Left) {
	g := &guard{files: store.Files(), skipped: map[string]string{}}
	if info, err := g.files.Lstat(markName); err == nil {
		left.Working = info.ModTime()
	}
	if data, err := g.files.ReadFile(skippedName, maxGuardFile); err != nil || json.Unmarshal(data, &g.skipped) != nil {
		return left
	}
	for _, name := range slices.Sorted(maps.Keys(g.skipped)) {
		if g.fingerprint(store, name) == g.skipped[name] {
			left.Out = append(left.Out, Outcome{Profile: name, Action: Skipped, Reason: g.skip(name)})
		}
	}
	return left
}
