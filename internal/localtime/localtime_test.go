package localtime_test

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"hermes/internal/localtime"
)

// berlin is the rule of Germany, as a POSIX TZ string.
const berlin = "CET-1CEST,M3.5.0,M10.5.0/3"

// TestAZoneIsWhatTheCLibraryMakesOfIt compares with date(1) of this machine, for hours of every month of a year.
func TestAZoneIsWhatTheCLibraryMakesOfIt(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("date")
	if err != nil || exec.Command(program, "-d", "@0").Run() != nil {
		t.Skip("no date(1) of GNU on this machine")
	}
	for _, tz := range []string{
		berlin, ":" + "Europe/Berlin", "Europe/Berlin", "EST5EDT,M3.2.0,M11.1.0", "UTC0", "UTC", "<+0330>-3:30", "<-03>3",
		"NZST-12NZDT,M9.5.0,M4.1.0/3", "XXX3YYY,J60/2,J300", "IST-5:30", "WGT3WGST,M3.5.0/-2,M10.5.0/-1",
		"Nowhere/AtAll", "12345",
	} {
		zone := localtime.Zone(tz)
		for at := time.Date(2026, 1, 1, 0, 30, 0, 0, time.UTC); at.Year() == 2026; at = at.Add(701 * time.Hour) {
			cmd := exec.Command(program, "-d", "@"+strconv.FormatInt(at.Unix(), 10), "+%Y-%m-%d %H:%M:%S.000%:z")
			cmd.Env = []string{"TZ=" + tz}
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			if got, want := localtime.Format(at, zone), strings.TrimSpace(string(out)); got != want {
				t.Errorf("TZ=%s at %s: got %s, want %s", tz, at, got, want)
			}
		}
	}
}

func TestATimeThatAClockShowedTwiceIsTheEarlierOne(t *testing.T) {
	t.Parallel()
	for _, zone := range []*time.Location{localtime.Zone(berlin), localtime.Zone("Europe/Berlin")} {
		if zone == time.UTC {
			t.Skip("no time zone database on this machine")
		}
		for in, want := range map[string]string{
			"2026-10-25 01:59:59": "2026-10-24T23:59:59Z",
			"2026-10-25 02:00:00": "2026-10-25T00:00:00Z", // it comes a second time at 01:00Z
			"2026-10-25 02:59:59": "2026-10-25T00:59:59Z",
			"2026-10-25 03:00:00": "2026-10-25T02:00:00Z",
			"2026-03-29 01:59:59": "2026-03-29T00:59:59Z",
			"2026-03-29 02:00:00": "2026-03-29T01:00:00Z", // the clock went on with 03:00
			"2026-03-29 02:30:00": "2026-03-29T01:00:00Z",
			"2026-03-29 03:00:00": "2026-03-29T01:00:00Z",
			"2026-07-01 12:00:00": "2026-07-01T10:00:00Z",
			"2026-12-01 12:00:00": "2026-12-01T11:00:00Z",
		} {
			got, err := localtime.Parse(time.DateTime, in, zone)
			if err != nil || got.UTC().Format(time.RFC3339) != want {
				t.Errorf("%s: got %s, %v, want %s", in, got.UTC().Format(time.RFC3339), err, want)
			}
		}
	}
	if _, err := localtime.Parse(time.DateTime, "2026-02-30 00:00:00", time.UTC); err == nil {
		t.Error("a day that there is not is read")
	}
}

func FuzzZone(f *testing.F) {
	for _, s := range []string{"", berlin, ":UTC", "<+03>-3", "A", "\x00", "../../etc/passwd", "AAA-25:00BBB,M13.9.9/999,J0"} {
		f.Add(s, int64(1_800_000_000))
	}
	f.Fuzz(func(t *testing.T, tz string, at int64) {
		zone := localtime.Zone(tz)
		when := time.Unix(at%(1<<37), 0)
		shown := localtime.Format(when, zone)
		if _, offset := when.In(zone).Zone(); offset%60 == 0 {
			if back, err := time.Parse("2006-01-02 15:04:05.000-07:00", shown); err == nil && !back.Equal(when) {
				t.Errorf("TZ=%q: %s is shown as %s", tz, when.UTC(), shown)
			}
		}
	})
}
