package s6

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hermes/internal/service"
	"hermes/internal/volume"
)

// Failed is what a slot's finish script calls, in the slot, after a failure: it decides
// from s6's own tally of deaths and leaves the pause for the run script.
func Failed(ctx context.Context, id service.ID, dir string, b service.Backoff) (service.Decision, error) {
	failures, err := deaths(ctx, id, dir)
	if err != nil {
		return service.Decision{}, err
	}
	d := b.Decide(failures)
	files := volume.At(dir)
	if d.GiveUp || d.Delay == 0 {
		if err := files.RemoveIfThere(napFile); err != nil {
			return d, fmt.Errorf("cannot clear the backoff of '%s': %w", id, err)
		}
		return d, nil
	}
	d.Delay = service.Jitter(d.Delay)
	text := strconv.FormatFloat(d.Delay.Seconds(), 'f', 3, 64)
	return d, files.WriteFile(napFile, []byte(text+"\n"), 0o644)
}

// Restarts returns how often a service died since its slot was made or started by hand.
func (m *Manager) Restarts(ctx context.Context, id service.ID) (int, error) {
	dir, err := m.slot(id)
	if err != nil {
		return 0, err
	}
	out, err := run(ctx, id, "status", "s6-svdt", dir)
	if err != nil {
		return 0, err
	}
	return strings.Count(out, "\n"), nil
}

// forget clears the tally of a service's deaths.
func forget(ctx context.Context, id service.ID, action, dir string) error {
	_, err := run(ctx, id, action, "s6-svdt-clear", dir)
	if err == nil {
		return nil
	}
	// Two that clear it at the same time may trip over each other's temporary file.
	if out, serr := run(ctx, id, action, "s6-svdt", dir); serr == nil && out == "" {
		return nil
	}
	return err
}

// lastDeath returns how a service's latest run ended, as in service.Status.
func lastDeath(ctx context.Context, id service.ID, action, dir string) (code int, signal string, _ error) {
	out, err := run(ctx, id, action, "s6-svdt", "-n", "1", dir)
	if err != nil {
		return -1, "", err
	}
	f := strings.Fields(out)
	if len(f) == 3 && f[1] == "signal" {
		return -1, f[2], nil
	}
	if len(f) == 3 && f[1] == "exitcode" {
		if code, err := strconv.Atoi(f[2]); err == nil {
			return code, "", nil
		}
	}
	return -1, "", nil // somebody cleared the tally
}

// deaths returns when a service failed, oldest first, from s6-svdt.
func deaths(ctx context.Context, id service.ID, dir string) ([]time.Time, error) {
	out, err := run(ctx, id, "finish", "s6-svdt", dir)
	if err != nil {
		return nil, err
	}
	var all []time.Time
	for line := range strings.Lines(out) {
		t, failed, err := parseDeath(line)
		if err != nil {
			return nil, fmt.Errorf("cannot read s6-svdt's answer for '%s': %w", id, err)
		}
		if failed {
			all = append(all, t)
		}
	}
	return all, nil
}

// parseDeath reads a line of s6-svdt: a TAI64N label, then exitcode N or signal NAME.
func parseDeath(line string) (_ time.Time, failed bool, _ error) {
	f := strings.Fields(line)
	if len(f) != 3 {
		return time.Time{}, false, fmt.Errorf("%q is no death", strings.TrimSpace(line))
	}
	t, err := parseTAI64N(f[0])
	if err != nil {
		return time.Time{}, false, err
	}
	code, signal := -1, f[2]
	if f[1] == "exitcode" {
		if code, err = strconv.Atoi(f[2]); err != nil {
			return time.Time{}, false, fmt.Errorf("%q is no death", strings.TrimSpace(line))
		}
		signal = ""
	}
	return t, code != 0 && service.ExitOf(code, signal) != service.ExitAgain, nil
}

// parseTAI64N reads a TAI64N label (https://cr.yp.to/libtai/tai64.html). Leap seconds do not
// matter here: only differences are used.
func parseTAI64N(label string) (time.Time, error) {
	raw, err := hex.DecodeString(strings.TrimPrefix(label, "@"))
	if err != nil || len(raw) != 12 {
		return time.Time{}, fmt.Errorf("%q is no TAI64N label", label)
	}
	return tai64n(raw), nil
}

// tai64n reads the twelve bytes of a TAI64N time.
func tai64n(raw []byte) time.Time {
	secs := binary.BigEndian.Uint64(raw[:8])
	return time.Unix(int64(secs-1<<62), int64(binary.BigEndian.Uint32(raw[8:12])))
}
