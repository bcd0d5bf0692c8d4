package logs

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"hermes/internal/localtime"
	"hermes/internal/profile"
)

// berlin is a zone for which this machine needs no time zone database.
var berlin = localtime.Zone("CET-1CEST,M3.5.0,M10.5.0/3")

func TestALineIsSplitFromItsTime(t *testing.T) {
	for raw, want := range map[string]time.Time{
		`2026-11-23 22:13:47.832634422  UTC level=INFO msg="a  b"`: time.Date(2026, 11, 23, 22, 13, 47, 832634422, time.UTC),
		`2026-11-23 22:13:47.832634422  level=INFO msg="a  b"`:     time.Date(2026, 11, 23, 21, 13, 47, 832634422, time.UTC),
	} {
		l := parseLine(profile.Default(), raw, berlin)
		if l.Time != want || l.Text != `level=INFO msg="a  b"` || l.Raw() != raw {
			t.Errorf("got %v, %q", l.Time, l.Text)
		}
		if shown := want.In(berlin).Format("2006-01-02 15:04:05.000-07:00") + `  level=INFO msg="a  b"`; l.Shown(berlin) != shown {
			t.Errorf("%q is shown as %q", raw, l.Shown(berlin))
		}
	}
	for _, raw := range []string{"", "hello", "2026-11-23 22:13:47.832634422", "2026-13-23 22:13:47.832634422  x", "2026-11-23T22:13:47.832634422  x"} {
		if l := parseLine(profile.Default(), raw, nil); l.Shown(nil) != raw || !l.Time.IsZero() || l.Text != raw || l.Raw() != raw {
			t.Errorf("%q: got %v, %q", raw, l.Time, l.Text)
		}
	}
}

func TestJSONNames(t *testing.T) {
	data, err := json.Marshal(parseLine(profile.Default(), "no time", nil))
	if err != nil || string(data) != `{"profile":"default","line":"no time"}` {
		t.Errorf("got %s, %v", data, err)
	}
	data, _ = json.Marshal(parseLine(profile.Default(), strings.TrimSpace(stamped(noon, "x")), nil))
	if !bytes.Contains(data, []byte(`"time":"2026-11-23T12:00:00Z"`)) {
		t.Errorf("got %s", data)
	}
}

func TestPrintableObeysNothing(t *testing.T) {
	for in, want := range map[string]string{
		"plain\tä":                   "plain\tä",
		"\x1b[31mred\x1b[0m":         "[31mred[0m",
		"\x1b]0;title\a":             "]0;title",
		"a\rb\bc\x00d\x7fe":          "abcde",
		"c1\u009b31m":                "c131m",
		"bidi\u202eevil\u2066\u2028": "bidievil",
		"bad\xff":                    "bad\uFFFD",
	} {
		if got := Printable(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestSince(t *testing.T) {
	now := time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC)
	for in, want := range map[string]time.Time{
		"10m":                  now.Add(-10 * time.Minute),
		"1h30m":                now.Add(-90 * time.Minute),
		"2d":                   now.Add(-48 * time.Hour),
		"0s":                   now,
		"2026-11-23T10:00":     time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC),
		"2026-11-23 10:00:05":  time.Date(2026, 11, 23, 9, 0, 5, 0, time.UTC),
		"2026-11-22":           time.Date(2026, 11, 21, 23, 0, 0, 0, time.UTC),
		"2026-11-23T10:00:00Z": time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC),
		// The form in which the command logs shows times.
		"2026-10-25 02:30:00.250+01:00": time.Date(2026, 10, 25, 1, 30, 0, 250e6, time.UTC),
		"2026-10-25 02:30:00.250+02:00": time.Date(2026, 10, 25, 0, 30, 0, 250e6, time.UTC),
		// This local time comes twice. The earlier one leaves no line out.
		"2026-10-25T02:30": time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC),
	} {
		if got, err := ParseSince(in, now, berlin); err != nil || !got.Equal(want) {
			t.Errorf("%q: got %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "x", "-5m", "-1d", "10", "99999999999d", "2026-11-31"} {
		if got, err := ParseSince(in, now, berlin); err == nil {
			t.Errorf("%q: got %v, want an error", in, got)
		}
	}
}

// TestTheHourThatComesTwice: at the end of summer time the clock goes from 02:59 back to 02:00. Lines keep their order, are found,
// and can be told apart.
func TestTheHourThatComesTwice(t *testing.T) {
	h := newHome(t)
	at := func(hour, minute int) time.Time { return time.Date(2026, 10, 25, hour, minute, 0, 0, time.UTC) }
	h.write("a", currentName, stamped(at(0, 30), "a in summer")+stamped(at(1, 10), "a in winter"))
	h.write("b", currentName, stamped(at(0, 50), "b in summer")+stamped(at(1, 20), "b in winter"))
	p := h.all()
	p.Zone = berlin
	want := []string{"a:a in summer", "b:b in summer", "a:a in winter", "b:b in winter"}
	if got := h.read(p, Query{Last: -1}); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for since, left := range map[string]int{"2026-10-25T02:10": 0, "2026-10-25 02:10:00+01:00": 2, "2026-10-25T01:15:00Z": 3, "2026-10-25T03:00": 4} {
		from, err := ParseSince(since, at(3, 0), berlin)
		if err != nil {
			t.Fatal(err)
		}
		if got := h.read(p, Query{Last: -1, Since: from}); !slices.Equal(got, want[left:]) {
			t.Errorf("since %s: got %q, want %q", since, got, want[left:])
		}
	}
}

// TestALogThatBeganInLocalTimeGoesOn: lines of older loggers are read as local time, even in the middle of a log.
func TestALogThatBeganInLocalTimeGoesOn(t *testing.T) {
	h := newHome(t)
	h.write("a", archive(minute(1)), noon.In(berlin).Format(stampLayout)+"  one\n")
	h.write("a", currentName, minute(2).In(berlin).Format(stampLayout)+"  two\n"+stamped(minute(4), "four"))
	h.write("b", currentName, stamped(minute(1), "b one")+minute(3).In(berlin).Format(stampLayout)+"  b three\n")
	p := h.all()
	p.Zone = berlin
	if got, want := h.read(p, Query{Last: -1}), []string{"a:one", "b:b one", "a:two", "b:b three", "a:four"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := h.read(p, Query{Last: -1, Since: minute(2)}), []string{"a:two", "b:b three", "a:four"}; !slices.Equal(got, want) {
		t.Errorf("since: got %q, want %q", got, want)
	}
}

func TestArchiveNames(t *testing.T) {
	at, ok := closed("@400000006b04bd6f2fcbaea1.s")
	if !ok || at.UTC().Format(time.DateOnly) != "2026-11-23" {
		t.Errorf("got %v, %v", at, ok)
	}
	for _, name := range []string{"current", "@400000006b04bd6f2fcbaea1", "@400000006b04bd6f2fcbaea1.t", "400000006b04bd6f2fcbaea1.s",
		"@zz0000006b04bd6f2fcbaea1.s", "@ffffffffffffffffffffffff.s", ".s", "@.u"} {
		if _, ok := closed(name); ok {
			t.Errorf("%q passes for an archive", name)
		}
	}
}

func FuzzLastLines(f *testing.F) {
	f.Add([]byte("a\nb\n"), 1)
	f.Add([]byte("a\nb"), 2)
	f.Add([]byte("\n\n\n"), 2)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		n = max(0, min(n, 1000))
		lines := bytes.SplitAfter(data, []byte("\n"))
		if len(lines[len(lines)-1]) == 0 {
			lines = lines[:len(lines)-1]
		}
		want := bytes.Join(lines[max(0, len(lines)-n):], nil)
		start, count, err := lastLines(bytes.NewReader(data), 0, int64(len(data)), n)
		if err != nil || count != min(n, len(lines)) || !bytes.Equal(data[start:], want) {
			t.Errorf("last %d of %q: got %q (%d), %v, want %q", n, data, data[start:], count, err, want)
		}
	})
}

func FuzzParseLine(f *testing.F) {
	for _, s := range []string{"", "2026-11-24 03:03:16.023890181  UTC x", "2026-11-24 03:03:16.023890181  x", "2026-11-24 03:03:16.023890181", "2026-13-24 03:03:16.023890181  x", "\xff\x1b[31m"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		l := parseLine(profile.Default(), raw, berlin)
		if l.Raw() != raw || !strings.HasSuffix(raw, l.Text) || l.Time.IsZero() != (l.Text == raw) {
			t.Errorf("%q is read as %+v", raw, l)
		}
		if strings.ContainsFunc(Printable(raw), func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
			t.Errorf("%q is printable as %q", raw, Printable(raw))
		}
	})
}

func FuzzParseSince(f *testing.F) {
	for _, s := range []string{"10m", "2h", "3d", "2026-11-23T10:00", "99999999d", "-1s", "1e9h"} {
		f.Add(s)
	}
	now := time.Unix(1_800_000_000, 0)
	f.Fuzz(func(t *testing.T, s string) {
		if at, err := ParseSince(s, now, berlin); err == nil && at.IsZero() && !strings.HasPrefix(s, "0001") {
			t.Errorf("%q is %s", s, at)
		}
	})
}
