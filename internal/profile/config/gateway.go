package config

import (
	"fmt"
	"time"
)

// Gateway says how a gateway stops, and when its supervisor gives up.
type Gateway struct {
	// DrainTimeout is how long running turns may take to finish after SIGTERM, such as 20s or 1m30s.
	DrainTimeout string `yaml:"drain_timeout"`
	// MaxFailures is after how many failures within FailureWindow the supervisor gives up.
	MaxFailures int `yaml:"max_failures"`
	// FailureWindow is the time within which failures are counted, such as 10m.
	FailureWindow string `yaml:"failure_window"`
}

const (
	// DefaultDrainTimeout is gateway.drain_timeout if the file does not set it.
	DefaultDrainTimeout = 20 * time.Second
	// MaxDrainTimeout is the longest drain_timeout, so that a stop always ends.
	MaxDrainTimeout = 15 * time.Minute
	// DefaultMaxFailures and DefaultFailureWindow say when the supervisor gives up if the file does not (contract B2).
	DefaultMaxFailures   = 10
	DefaultFailureWindow = 10 * time.Minute
	// MaxFailuresLimit is the largest max_failures, because the supervisor records no more failures.
	MaxFailuresLimit = 1000
	// MaxFailureWindow is the longest failure_window.
	MaxFailureWindow = 24 * time.Hour
)

// GiveUp returns max_failures and failure_window, or their defaults.
func (g Gateway) GiveUp() (failures int, window time.Duration) {
	failures, window = DefaultMaxFailures, DefaultFailureWindow
	if g.MaxFailures > 0 {
		failures = g.MaxFailures
	}
	if d, err := time.ParseDuration(g.FailureWindow); err == nil {
		window = d
	}
	return failures, window
}

// Drain returns drain_timeout or its default. The text was checked when the file was loaded.
func (g Gateway) Drain() time.Duration {
	if d, err := time.ParseDuration(g.DrainTimeout); err == nil {
		return d
	}
	return DefaultDrainTimeout
}

// Check implements Section.
func (g *Gateway) Check() (key, msg string) {
	switch {
	case g.DrainTimeout != "" && !validDrain(g.DrainTimeout):
		return "drain_timeout", fmt.Sprintf("want a duration like 20s or 1m30s, at most %s", MaxDrainTimeout)
	case g.MaxFailures < 0 || g.MaxFailures > MaxFailuresLimit:
		return "max_failures", fmt.Sprintf("want 1 to %d", MaxFailuresLimit)
	case g.FailureWindow != "" && !validWindow(g.FailureWindow):
		return "failure_window", fmt.Sprintf("want a duration like 10m, from 1s to %s", MaxFailureWindow)
	}
	return "", ""
}

func validWindow(s string) bool {
	d, err := time.ParseDuration(s)
	return err == nil && d >= time.Second && d <= MaxFailureWindow
}

func validDrain(s string) bool {
	d, err := time.ParseDuration(s)
	return err == nil && d >= 0 && d <= MaxDrainTimeout
}
