// Package tai64n reads and writes times as s6 and s6-log do (https://cr.yp.to/libtai/tai64.html). Leap seconds are left in them: what is
// read is some seconds late, and differences are right.
package tai64n

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"
)

// Size is the length of a time in bytes.
const Size = 12

// epoch is the second 0 of Unix.
const epoch = 1 << 62

// Time reads the first Size bytes of raw.
func Time(raw []byte) time.Time {
	return time.Unix(int64(binary.BigEndian.Uint64(raw)-epoch), int64(binary.BigEndian.Uint32(raw[8:Size])))
}

// Parse reads a label: 24 hexadecimal digits, with @ before them or without. ok is false for what is none.
func Parse(label string) (t time.Time, ok bool) {
	raw, err := hex.DecodeString(strings.TrimPrefix(label, "@"))
	if err != nil || len(raw) != Size {
		return time.Time{}, false
	}
	return Time(raw), true
}

// Label is a time as Parse reads it.
func Label(t time.Time) string {
	raw := binary.BigEndian.AppendUint64(nil, epoch+uint64(t.Unix()))
	raw = binary.BigEndian.AppendUint32(raw, uint32(t.Nanosecond()))
	return "@" + hex.EncodeToString(raw)
}
