//go:build unix

package s6

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hermes/internal/service"
	"hermes/internal/volume"
)

// tallyBytes returns the content of supervise/death_tally as s6 writes it (s6-svdt).
func tallyBytes(b []byte, at time.Time, code, sig byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(at.Unix())+1<<62)
	b = binary.BigEndian.AppendUint32(b, uint32(at.Nanosecond()))
	return append(b, code, sig)
}

func TestATallyIsReadAsSvdtWould(t *testing.T) {
	at := time.Unix(1_800_000_000, 500)
	data := tallyBytes(tallyBytes(tallyBytes(nil, at, 78, 0), at.Add(time.Second), 137, 9), at.Add(time.Minute), 143, 0)
	all, err := parseTally(data)
	if err != nil || len(all) != 3 || !all[1].Time.Equal(at.Add(time.Second)) ||
		all[0].How() != "exit code 78" || all[1].How() != "killed by SIGKILL" || all[2].How() != "exit code 143" {
		t.Errorf("got %+v, %v", all, err)
	}
	for _, n := range []int{1, deathSize - 1, deathSize + 1} {
		if _, err := parseTally(data[:n]); err == nil {
			t.Errorf("%d bytes were taken for a tally", n)
		}
	}
	if _, err := parseTally(tallyBytes(nil, at, 100, 200)); err == nil {
		t.Error("a signal that there is not was taken")
	}
}

// TestDeathsAreAtTheClocksTime, however far s6's time is ahead of the clock.
func TestDeathsAreAtTheClocksTime(t *testing.T) {
	died := time.Date(2026, 11, 29, 20, 10, 3, 123_000_000, time.UTC)
	for name, tt := range map[string]struct{ ahead, written, late time.Duration }{
		"TAI":                              {37 * time.Second, 2 * time.Millisecond, 0},
		"a clock that is taken for TAI-10": {10 * time.Second, 2 * time.Millisecond, 0},
		"UTC":                              {0, 2 * time.Millisecond, 0},
		"the clock was set":                {0, -time.Hour, 0},
		"the clock was set back":           {0, time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, tallyFile)
			if err := os.Mkdir(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(file, time.Time{}, died.Add(tt.written)); err != nil {
				t.Fatal(err)
			}
			slot := volume.At(dir)
			raw := []service.Death{
				{Time: died.Add(tt.ahead - time.Minute), ExitCode: -1, Signal: "SIGKILL"}, {Time: died.Add(tt.ahead), ExitCode: -1, Signal: "SIGKILL"},
			}
			if err := os.Mkdir(filepath.Join(dir, "data"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := slot.WriteFile(oomNote, []byte(stamp(raw[1])), 0o644); err != nil {
				t.Fatal(err)
			}
			all := atOurTime(slot, raw)
			if !all[1].Time.Equal(died) || !all[0].Time.Equal(died.Add(-time.Minute)) {
				t.Errorf("got %v, want %v", all, died)
			}
			if all[0].OutOfMemory || !all[1].OutOfMemory {
				t.Errorf("the note is about the second: %+v", all)
			}
		})
	}
}

func FuzzParseTally(f *testing.F) {
	f.Add(tallyBytes(nil, time.Unix(1_800_000_000, 500), 137, 9))
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := parseTally(data)
		if err != nil {
			return
		}
		if len(all) != len(data)/deathSize {
			t.Errorf("%d deaths in %d bytes", len(all), len(data))
		}
		st := service.Status{}
		if tally(&st, all); st.Restarts < 0 || st.Restarts > len(all) {
			t.Errorf("%x: %+v", data, st)
		}
	})
}

// TestAnEndThatIsBeingDecidedUponIsNotToldYet, because it is not yet known whether it was for want of memory.
func TestAnEndThatIsBeingDecidedUponIsNotToldYet(t *testing.T) {
	all := []service.Death{{Time: time.Unix(1, 0), ExitCode: 1}, {Time: time.Unix(2, 0), ExitCode: -1, Signal: "SIGKILL"}}
	st := service.Status{WantUp: true, Deciding: true}
	if tally(&st, all); st.Restarts != 1 || st.LastFailure != all[0] {
		t.Errorf("got %+v", st)
	}
	st = service.Status{WantUp: true}
	if tally(&st, all); st.Restarts != 1 || st.LastFailure != all[1] {
		t.Errorf("got %+v", st)
	}
}
