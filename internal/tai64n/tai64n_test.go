package tai64n

import (
	"testing"
	"time"
)

func TestALabelIsReadAsItWasWritten(t *testing.T) {
	for _, want := range []time.Time{time.Unix(0, 0), time.Unix(-1, 0), time.Unix(1795900000, 999999999), time.Unix(1<<40, 1)} {
		if got, ok := Parse(Label(want)); !ok || !got.Equal(want) {
			t.Errorf("%v is read as %v, %v", want, got, ok)
		}
	}
	// The examples of https://cr.yp.to/libtai/tai64.html: one second before 1970 TAI, and 1970 TAI itself.
	for label, want := range map[string]time.Time{
		"@3fffffffffffffff00000000": time.Unix(-1, 0),
		"@400000000000000000000001": time.Unix(0, 1),
		"4000000000000000075bcd15":  time.Unix(0, 123456789),
	} {
		if got, ok := Parse(label); !ok || !got.Equal(want) {
			t.Errorf("%q is read as %v, %v; want %v", label, got, ok, want)
		}
	}
	if got := Label(time.Unix(0x2b04bd6f, 0x2fcbaea1)); got != "@400000002b04bd6f2fcbaea1" {
		t.Error(got)
	}
}

func TestWhatIsNoLabelIsNotRead(t *testing.T) {
	for _, label := range []string{"", "@", "@400000006b04bd6f2fcbae", "@400000006b04bd6f2fcbaea100", "@400000006b04bd6f2fcbaexx", "@@400000006b04bd6f2fcbaea"} {
		if at, ok := Parse(label); ok {
			t.Errorf("%q is read as %v", label, at)
		}
	}
}
