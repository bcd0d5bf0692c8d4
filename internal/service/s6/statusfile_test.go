//go:build unix

package s6

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"hermes/internal/profile"
	"hermes/internal/service"
	"hermes/internal/tai64n"
)

// statusBytes returns the content of supervise/status as s6 2.13 writes it.
func statusBytes(changed, settled time.Time, pid, wstat int, flags byte) []byte {
	b := make([]byte, 0, statusGroupSize)
	for _, t := range []time.Time{changed, settled} {
		b = binary.BigEndian.AppendUint64(b, uint64(t.Unix())+1<<62)
		b = binary.BigEndian.AppendUint32(b, uint32(t.Nanosecond()))
	}
	b = binary.BigEndian.AppendUint64(b, uint64(pid))
	b = binary.BigEndian.AppendUint64(b, uint64(pid))
	b = binary.BigEndian.AppendUint16(b, uint16(wstat))
	return append(b, flags)
}

func TestStatusFileIsReadAsSvstatWould(t *testing.T) {
	id := service.Gateway(profile.Default())
	at := time.Unix(1_800_000_000, 500)
	now := at.Add(90*time.Second + 700*time.Millisecond)
	for name, c := range map[string]struct {
		data []byte
		want slotStatus
	}{
		"up and ready": {
			statusBytes(at, at.Add(time.Second), 42, 0, flagWantUp|flagReady),
			slotStatus{Status: service.Status{Up: true, Ready: true, WantUp: true, PID: 42, ExitCode: -1}},
		},
		"up, not ready": {
			statusBytes(at, at.Add(-time.Second), 42, 0, flagWantUp),
			slotStatus{Status: service.Status{Up: true, WantUp: true, PID: 42, ExitCode: -1}},
		},
		"down after an exit": {
			statusBytes(at, at.Add(time.Millisecond), 0, 78<<8, flagReady),
			slotStatus{Status: service.Status{ExitCode: 78}},
		},
		"killed, finish at work": {
			statusBytes(at, at.Add(-time.Minute), 0, 9, flagWantUp),
			slotStatus{Finishing: true, Status: service.Status{WantUp: true, ExitCode: -1, Signal: "SIGKILL"}},
		},
		"never ran": {
			statusBytes(at, at, 0, 0, 0),
			slotStatus{Status: service.Status{ExitCode: -1}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.want.ID, c.want.For, c.want.Restarts = id, 90*time.Second, -1
			for _, data := range [][]byte{c.data, withoutGroup(c.data)} {
				got, err := parseStatus(id, data, now)
				if err != nil || got != c.want {
					t.Errorf("%d bytes: got %+v, %v\nwant %+v", len(data), got, err, c.want)
				}
			}
		})
	}
}

// withoutGroup returns the same status as s6 2.15 writes it.
func withoutGroup(data []byte) []byte { return slices.Delete(slices.Clone(data), 32, 40) }

// TestStatusFileOfS6215 reads files that s6 2.15.1 wrote; want is what its s6-svstat printed about them.
func TestStatusFileOfS6215(t *testing.T) {
	id := service.Gateway(profile.Default())
	for _, c := range []struct {
		name, data string
		want       slotStatus
	}{
		{
			"up (pid 20 pgid 20) 0 seconds, normally down, ready 0 seconds",
			"400000006b0950192b6a13b6400000006b0950192b702ce4000000000000001400000c",
			slotStatus{Status: service.Status{Up: true, Ready: true, WantUp: true, PID: 20, ExitCode: -1}},
		},
		{
			"down (signal SIGTERM) 0 seconds, ready 0 seconds",
			"400000006b09501d14bcbc97400000006b09501d14c4144a0000000000000000000f08",
			slotStatus{Status: service.Status{ExitCode: -1, Signal: "SIGTERM"}},
		},
		{
			"down (exitcode 3) 0 seconds, ready 0 seconds",
			"400000006b09501e097f7e5d400000006b09501e099b1b6e0000000000000000030008",
			slotStatus{Status: service.Status{ExitCode: 3}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			data, err := hex.DecodeString(c.data)
			if err != nil {
				t.Fatal(err)
			}
			c.want.ID, c.want.Restarts = id, -1
			got, err := parseStatus(id, data, tai64n.Time(data))
			if err != nil || got != c.want {
				t.Errorf("got %+v, %v\nwant %+v", got, err, c.want)
			}
		})
	}
}

func TestStatusFileOfAnotherLayoutIsRefused(t *testing.T) {
	id := service.Gateway(profile.Default())
	for _, n := range []int{0, 1, statusSize - 1, statusSize + 1, statusGroupSize - 1, statusGroupSize + 1} {
		if _, err := parseStatus(id, make([]byte, n), time.Now()); err == nil {
			t.Errorf("%d bytes were taken for a status", n)
		}
	}
}

func FuzzParseStatus(f *testing.F) {
	at := time.Unix(1_800_000_000, 500)
	f.Add(statusBytes(at, at, 42, 0, flagReady))
	f.Add(statusBytes(at, at.Add(-time.Minute), 0, 9, flagWantUp))
	f.Add(withoutGroup(statusBytes(at, at, 0, 3<<8, flagReady)))
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		st, err := parseStatus(service.Gateway(profile.Default()), data, at)
		if err == nil && (len(data) != statusSize && len(data) != statusGroupSize || st.PID < 0 || st.Up != (st.PID != 0) || st.Ready && !st.Up) {
			t.Errorf("%x passes as %+v", data, st)
		}
	})
}
