package logs

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"

	"hermes/internal/profile"
)

func TestALineIsSplitFromItsTime(t *testing.T) {
	l := parseLine(profile.Default(), `2026-11-23 22:13:47.832634422  level=INFO msg="a  b"`)
	if want := time.Date(2026, 11, 23, 22, 13, 47, 832634422, time.Local); !l.Time.Equal(want) || l.Text != `level=INFO msg="a  b"` {
		t.Errorf("got %v, %q", l.Time, l.Text)
	}
	for _, raw := range []string{"", "hello", "2026-11-23 22:13:47.832634422", "2026-13-23 22:13:47.832634422  x", "2026-11-23T22:13:47.832634422  x"} {
		if l := parseLine(profile.Default(), raw); !l.Time.IsZero() || l.Text != raw || l.Raw() != raw {
			t.Errorf("%q: got %v, %q", raw, l.Time, l.Text)
		}
	}
}

func TestJSONNames(t *testing.T) {
	data, err := json.Marshal(parseLine(profile.Default(), "no time"))
	if err != nil || string(data) != `{"profile":"default","line":"no time"}` {
		t.Errorf("got %s, %v", data, err)
	}
	data, _ = json.Marshal(parseLine(profile.Default(), strings.TrimSpace(stamped(noon, "x"))))
	if !bytes.Contains(data, []byte(`"time":"2026-11-23T12:00:00`)) {
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
	now := time.Date(2026, 11, 23, 22, 0, 0, 0, time.Local)
	for in, want := range map[string]time.Time{
		"10m":                  now.Add(-10 * time.Minute),
		"1h30m":                now.Add(-90 * time.Minute),
		"2d":                   now.AddDate(0, 0, -2),
		"0s":                   now,
		"2026-11-23T10:00":     time.Date(2026, 11, 23, 10, 0, 0, 0, time.Local),
		"2026-11-23 10:00:05":  time.Date(2026, 11, 23, 10, 0, 5, 0, time.Local),
		"2026-11-22":           time.Date(2026, 11, 22, 0, 0, 0, 0, time.Local),
		"2026-11-23T10:00:00Z": time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC),
	} {
		if got, err := ParseSince(in, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: got %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "x", "-5m", "-1d", "10", "99999999999d", "2026-11-31"} {
		if got, err := ParseSince(in, now); err == nil {
			t.Errorf("%q: got %v, want an error", in, got)
		}
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
	for _, s := range []string{"", "2026-11-24 03:03:16.023890181  x", "2026-11-24 03:03:16.023890181", "2026-13-24 03:03:16.023890181  x", "\xff\x1b[31m"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		l := parseLine(profile.Default(), raw)
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
		if at, err := ParseSince(s, now); err == nil && at.IsZero() && !strings.HasPrefix(s, "0001") {
			t.Errorf("%q is %s", s, at)
		}
	})
}
