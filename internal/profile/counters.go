package profile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"time"
)

// Counters is the content of metrics.json: what all gateways of the profile have done so far. The numbers only grow, unless the file
// is lost.
type Counters struct {
	MessagesIn  uint64 `json:"messages_in"`  // messages that channels took
	MessagesOut uint64 `json:"messages_out"` // complete answers
	Turns       uint64 `json:"turns"`        // turns that have ended, in whatever way
	// TurnSeconds is how long all turns took together.
	TurnSeconds float64   `json:"turn_seconds"`
	ModelErrors uint64    `json:"model_errors"` // turns that failed because of the model
	LastMessage time.Time `json:"last_message,omitzero"`
}

// maxCounters limits the size of metrics.json, in bytes.
const maxCounters = 4 << 10

// CountersFile is the path of metrics.json.
func (h Home) CountersFile() string { return filepath.Join(h.Dir, CountersName) }

// ReadCounters reads metrics.json. If there is none, all counters are zero.
func ReadCounters(h Home) (Counters, error) {
	data, err := h.Files().ReadFile(CountersName, maxCounters)
	if errors.Is(err, fs.ErrNotExist) {
		return Counters{}, nil
	}
	var c Counters
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err == nil && (c.TurnSeconds < 0 || math.IsNaN(c.TurnSeconds) || math.IsInf(c.TurnSeconds, 0)) {
		err = errors.New("turn_seconds is no number of seconds")
	}
	if err != nil {
		return Counters{}, fmt.Errorf("cannot read %s: %w", h.CountersFile(), err)
	}
	return c, nil
}

// WriteCounters replaces metrics.json.
func WriteCounters(h Home, c Counters) error {
	data, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", h.CountersFile(), err)
	}
	return h.Files().WriteFile(CountersName, append(data, '\n'), 0o644)
}
