//go:build unix

package s6

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"hermes/internal/service"
	"hermes/internal/tai64n"
	"hermes/internal/volume"
)

// Listing a thousand slots with a thousand s6-svstat processes would be slow. So List reads the file that s6-svstat reads,
// supervise/status, whose layout belongs to s6 and may change. Therefore List does not trust it blindly: in every call, reader reads
// one slot in both ways, and uses s6-svstat for all slots if the results differ.

// supervise/status has two TAI64N times; the pid in eight bytes; in some releases of s6 the process group in eight more; the wait
// status in two bytes; and flags in one. The size of the file tells which layout it has.
const (
	statusSize      = 12 + 12 + 8 + 2 + 1 // in s6 2.11.3 and 2.15.1
	statusGroupSize = statusSize + 8      // with the process group, in s6 2.13.1
)

// deathSize is the size of an entry of supervise/death_tally: a TAI64N time, an exit code, and a signal.
const deathSize = 12 + 1 + 1

// The flags of supervise/status.
const (
	flagWantUp = 4
	flagReady  = 8
)

// reader returns the function with which List gets the status of a slot.
func (m *Manager) reader(ctx context.Context, ids []service.ID) func(service.ID) (slotStatus, error) {
	slow := func(id service.ID) (slotStatus, error) { return svstat(ctx, id, "status", m.slots.path(id)) }
	full := func(id service.ID) (slotStatus, error) {
		st, err := slow(id)
		st.Deciding = st.Finishing
		if err == nil && (st.Up || st.ExitCode > 0 || st.Signal != "") { // otherwise it has never failed, or its failures do not matter
			st.Status, err = m.Deaths(ctx, st.Status)
		}
		return st, err
	}
	var offset time.Duration
	scandir := volume.At(m.slots.Dir)
	fast := func(id service.ID) (slotStatus, error) {
		return readStatus(id, scandir.Sub(id.String()), time.Now().Add(offset))
	}
	for _, id := range ids {
		told, err := slow(id)
		if err != nil || !told.Up {
			continue // this slot tells too little to compare
		}
		read, err := fast(id)
		if err == nil && read.Up && read.PID == told.PID && read.Ready == told.Ready && read.WantUp == told.WantUp && m.tallied(ctx, read) {
			// s6 counts in TAI. The difference of the two answers is how far that is ahead of this clock.
			offset = told.For - read.For
			return fast
		}
		return full
	}
	return full // no service is up, so s6-svstat has little to do
}

// readStatus reads supervise/status of a service that has its supervisor.
func readStatus(id service.ID, slot volume.Dir, now time.Time) (slotStatus, error) {
	dir := slot.Path(".")
	if !HasReader(filepath.Join(dir, "supervise", "control")) {
		return slotStatus{}, fmt.Errorf("'%s' has no supervisor", id)
	}
	data, err := slot.ReadFile("supervise/status", statusGroupSize)
	if err != nil {
		return slotStatus{}, err
	}
	st, err := parseStatus(id, data, now)
	if err != nil {
		return slotStatus{}, err
	}
	st.look(dir)
	st.Deciding = st.Finishing
	if all, err := readTally(slot); err == nil {
		tally(&st.Status, atOurTime(slot, all))
	}
	return st, nil
}

// readTally reads supervise/death_tally, which s6-svdt prints.
func readTally(slot volume.Dir) ([]service.Death, error) {
	info, err := slot.Lstat(tallyFile)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 { // nearly all services have none
		return nil, nil
	}
	data, err := slot.ReadFile(tallyFile, maxDeathTally*deathSize)
	if err != nil {
		return nil, err
	}
	return parseTally(data)
}

func parseTally(data []byte) ([]service.Death, error) {
	if len(data)%deathSize != 0 {
		return nil, fmt.Errorf("a tally of deaths has %d bytes, no multiple of %d", len(data), deathSize)
	}
	all := make([]service.Death, 0, len(data)/deathSize)
	for entry := range slices.Chunk(data, deathSize) {
		d := service.Death{Time: tai64n.Time(entry[:12]), ExitCode: int(entry[12])}
		if sig := unix.Signal(entry[13]); sig != 0 {
			d.ExitCode, d.Signal = -1, unix.SignalName(sig)
			if d.Signal == "" {
				return nil, fmt.Errorf("a tally of deaths has a signal %d", sig)
			}
		}
		all = append(all, d)
	}
	return all, nil
}

// tallied reports whether s6-svdt shows the same deaths as readStatus.
func (m *Manager) tallied(ctx context.Context, read slotStatus) bool {
	told, err := m.Deaths(ctx, read.Status)
	return err == nil && told == read.Status
}

func parseStatus(id service.ID, data []byte, now time.Time) (slotStatus, error) {
	if len(data) != statusSize && len(data) != statusGroupSize {
		return slotStatus{}, fmt.Errorf("the status of '%s' has %d bytes, not %d or %d", id, len(data), statusSize, statusGroupSize)
	}
	changed, settled := tai64n.Time(data[:12]), tai64n.Time(data[12:24])
	pid := binary.BigEndian.Uint64(data[24:32])
	end := data[len(data)-3:]
	wait, flags := unix.WaitStatus(binary.BigEndian.Uint16(end)), end[2]
	if pid > math.MaxInt32 {
		return slotStatus{}, fmt.Errorf("the status of '%s' has no pid", id)
	}
	up := pid != 0
	st := slotStatus{Finishing: !up && settled.Before(changed), Status: service.Status{
		ID: id, Up: up, Ready: up && flags&flagReady != 0, WantUp: flags&flagWantUp != 0, PID: int(pid),
		ExitCode: -1, Restarts: -1, For: now.Sub(changed).Truncate(time.Second),
	}}
	switch {
	case up || settled.Equal(changed):
	case wait.Signaled():
		st.Signal = unix.SignalName(wait.Signal())
	default:
		st.ExitCode = wait.ExitStatus()
	}
	return st, nil
}
