package s6

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hermes/internal/service"
	"hermes/internal/service/restart"
	"hermes/internal/tai64n"
	"hermes/internal/volume"
)

// Failed is called by a slot's finish script, in the slot, after a failure. It decides what follows from s6's own tally of deaths,
// and writes the pause into a file for the run script. last is the failure, if s6 knows it.
func Failed(ctx context.Context, id service.ID, dir string, b restart.Rule) (d restart.Decision, last service.Death, err error) {
	st, err := svstat(ctx, id, "finish", dir)
	if err != nil {
		return d, last, err
	}
	all, err := ends(ctx, id, "finish", dir)
	if err != nil {
		return d, last, err
	}
	files := volume.At(dir)
	if len(all) > 0 {
		noteOOM(ctx, files, all[len(all)-1])
	}
	all = atOurTime(files, all)
	var failures []time.Time
	for _, e := range all {
		if e.Failed() {
			failures = append(failures, e.Time)
			last = e
		}
	}
	d = b.Decide(failures)
	if !st.WantUp { // the service was told to end, and did not end by itself
		d.Stopped, d.GiveUp, d.Delay = true, false, 0
	}
	if d.GiveUp || d.Delay == 0 {
		if err := files.RemoveIfThere(napFile); err != nil {
			return d, last, fmt.Errorf("cannot clear the backoff of '%s': %w", id, err)
		}
		return d, last, nil
	}
	d.Delay = restart.Jitter(d.Delay)
	text := strconv.FormatFloat(d.Delay.Seconds(), 'f', 3, 64)
	return d, last, files.WriteFile(napFile, []byte(text+"\n"), 0o644)
}

// Deaths adds to the status of a service how it failed last, and how often it was restarted since its slot was made or a person
// started it. A slot without a supervisor has no tally.
func (m *Manager) Deaths(ctx context.Context, st service.Status) (service.Status, error) {
	dir, err := m.slot(st.ID)
	if err != nil || !supervised(dir) {
		return st, err
	}
	all, err := ends(ctx, st.ID, "status", dir)
	if err != nil {
		return st, m.missing(st.ID, err)
	}
	tally(&st, atOurTime(volume.At(dir), all))
	return st, nil
}

// tally counts restarts and finds the last failure. all are the ends of the service's runs, the oldest first.
func tally(st *service.Status, all []service.Death) {
	again := st.Up && !st.Backoff
	if n := len(all); n > 0 && st.Deciding { // also whether memory was short is not decided yet
		all, again = all[:n-1], true
	}
	st.Restarts, st.LastFailure = service.Tally(all, again)
}

// forget clears the tally of a service's deaths.
func forget(ctx context.Context, id service.ID, action, dir string) error {
	_, err := run(ctx, id, action, "s6-svdt-clear", dir)
	if err == nil {
		return nil
	}
	// Two processes that clear it at the same time may fail because of each other's temporary file. It is enough that the tally is
	// empty.
	if out, serr := run(ctx, id, action, "s6-svdt", dir); serr == nil && out == "" {
		return nil
	}
	return err
}

// lastDeath returns how a service's latest run ended, in the form of service.Status.
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
	return -1, "", nil // the tally was cleared meanwhile
}

// ends returns how the runs of a service ended, the oldest first, from s6-svdt. The times are s6's: see atOurTime.
func ends(ctx context.Context, id service.ID, action, dir string) ([]service.Death, error) {
	out, err := run(ctx, id, action, "s6-svdt", dir)
	if err != nil {
		return nil, err
	}
	var all []service.Death
	for line := range strings.Lines(out) {
		d, err := parseDeath(line)
		if err != nil {
			return nil, fmt.Errorf("cannot read s6-svdt's answer for '%s': %w", id, err)
		}
		all = append(all, d)
	}
	return all, nil
}

// maxAhead is how far TAI64N labels can be ahead of the clock (https://cr.yp.to/libtai/tai64.html): ten seconds and the leap seconds
// since 1972, of which there were 27.
const maxAhead = 60 * time.Second

// atOurTime converts the times of s6's tally to the time of this machine's clock, and marks deaths for want of memory. s6 counts in
// TAI, or in what it was built to take for TAI. The tally's file is written when the last death happens, so the difference between
// that death's time and the file's time is how far s6 is ahead.
func atOurTime(slot volume.Dir, all []service.Death) []service.Death {
	if len(all) == 0 {
		return nil
	}
	var ahead time.Duration
	if info, err := slot.Lstat(tallyFile); err == nil {
		ahead = all[len(all)-1].Time.Sub(info.ModTime()).Round(time.Second)
	}
	if ahead < 0 || ahead > maxAhead { // the clock was set meanwhile
		ahead = 0
	}
	noted, _ := slot.ReadFile(oomNote, 64) // usually there is no such file
	for i, d := range all {
		all[i].OutOfMemory = len(noted) > 0 && string(noted) == stamp(d)
		all[i].Time = d.Time.Add(-ahead).UTC()
	}
	return all
}

// parseDeath reads a line of s6-svdt: a TAI64N label, and then exitcode N or signal NAME.
func parseDeath(line string) (service.Death, error) {
	f := strings.Fields(line)
	if len(f) != 3 {
		return service.Death{}, fmt.Errorf("%q is no death", strings.TrimSpace(line))
	}
	t, ok := tai64n.Parse(f[0])
	if !ok {
		return service.Death{}, fmt.Errorf("%q is no TAI64N label", f[0])
	}
	d := service.Death{Time: t, ExitCode: -1, Signal: f[2]}
	if f[1] == "exitcode" {
		var err error
		if d.ExitCode, err = strconv.Atoi(f[2]); err != nil {
			return service.Death{}, fmt.Errorf("%q is no death", strings.TrimSpace(line))
		}
		d.Signal = ""
	}
	return d, nil
}
