package boot

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hermes/internal/volume"
)

const (
	bootLogName = "container-boot.log"
	// bootLogLimit is the size, in bytes, above which the boot log is rotated (contract "On disk").
	bootLogLimit = 256 << 10
)

// writeBootLog appends a line for each outcome. Before the log would grow over its limit, it is rotated to .1.
func writeBootLog(dir volume.Dir, now time.Time, outcomes []Outcome) error {
	var b bytes.Buffer
	for _, o := range outcomes {
		fmt.Fprintf(&b, "%s profile=%s prior_state=%s action=%s", now.UTC().Format(time.RFC3339), logValue(o.Profile), logValue(o.PriorState), o.Action)
		if o.Reason != "" {
			fmt.Fprintf(&b, " reason=%s", strconv.Quote(o.Reason))
		}
		b.WriteByte('\n')
	}
	err := dir.AppendLimited(bootLogName, b.Bytes(), 0o644, bootLogLimit)
	var full *volume.SetAsideError
	switch {
	case errors.As(err, &full):
		return fmt.Errorf("cannot rotate the boot log: %w", err)
	case err != nil:
		return fmt.Errorf("cannot write the boot log: %w", err)
	}
	return nil
}

// logValue makes a value one word, because a directory on the volume may have any name.
func logValue(s string) string {
	odd := func(r rune) bool {
		return r == ' ' || r == '"' || r == '=' || r == utf8.RuneError || !unicode.IsPrint(r)
	}
	if s != "" && !strings.ContainsFunc(s, odd) {
		return s
	}
	return strconv.Quote(s)
}
