package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Sessions says which of the profile's sessions are kept. The profile's gateway removes the others.
type Sessions struct {
	// MaxAge is how long a session is kept after the last message to it, such as 90d, 12w or 2y; at least 1d.
	MaxAge string `yaml:"max_age"`
	// MaxMessages is how many messages of each session are kept, the newest ones; at least 100.
	MaxMessages int `yaml:"max_messages"`
}

// MinMaxMessages is the smallest sessions.max_messages. A smaller number would remove messages that the model still gets.
const MinMaxMessages = 100

// Age returns max_age, or 0 if there is none. The text was checked when the file was loaded.
func (s Sessions) Age() time.Duration {
	if d, err := ParseAge(s.MaxAge); err == nil {
		return d
	}
	return 0
}

// ParseAge reads a time after which something is removed, in days, weeks or years of 365 days: 90d, 12w, 2y. It accepts no smaller
// units, because 3m means three minutes to some people and three months to others.
func ParseAge(s string) (time.Duration, error) {
	const day = 24 * time.Hour
	for unit, d := range map[string]time.Duration{"d": day, "w": 7 * day, "y": 365 * day} {
		number, ok := strings.CutSuffix(s, unit)
		if n, err := strconv.ParseUint(number, 10, 32); ok && err == nil && n > 0 && time.Duration(n) <= 100*365*day/d {
			return time.Duration(n) * d, nil
		}
	}
	return 0, errors.New("want a number of days, weeks or years like 90d, 12w or 2y, from 1d to 100y")
}

// Check implements Section.
func (s *Sessions) Check() (key, msg string) {
	if s.MaxMessages != 0 && s.MaxMessages < MinMaxMessages {
		return "max_messages", fmt.Sprintf("want %d or more", MinMaxMessages)
	}
	if s.MaxAge != "" {
		if _, err := ParseAge(s.MaxAge); err != nil {
			return "max_age", err.Error()
		}
	}
	return "", ""
}
