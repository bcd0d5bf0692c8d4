// Package tai64n reads and writes times as s6 and s6-log do (https://cr.yp.to/libtai/tai64.html). It does not convert leap seconds:
// the times that it reads are some seconds late, and differences between them are right.
package tai64n

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"
)

// Size is the length of an encoded time in bytes.
const Size = 12

// epoch is how TAI64 encodes second 0 of Unix time.
const epoch = 1 << 62

// Time decodes the first Size bytes of raw.
func Time(raw []byte) time.Time {
	return time.Unix(int64(binary.BigEndian.Uint64(raw)-epoch), int64(binary.BigEndian.Uint32(raw[8:Size])))
}

// Parse reads a label: 24 hexadecimal digits, with or without @ before them. ok is false for any other text.
func Parse(label string) (t time.Time, ok bool) {
	raw, err := hex.DecodeString(strings.TrimPrefix(label, "@"))
	if err != nil || len(raw) != Size {
		return time.Time{}, false
	}
	return Time(raw), true
}

// Label returns a time as the label that Parse reads.
func Label(t time.Time) string {
	raw := binary.BigEndian.AppendUint64(nil, epoch+uint64(t.Unix()))
	raw = binary.BigEndian.AppendUint32(raw, uint32(t.Nanosecond()))
	return "@" + hex.EncodeToString(raw)
}
