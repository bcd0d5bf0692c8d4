package live

import "unicode/utf8"

// key is a pressed key: a rune, or one of the constants below.
type key rune

// Keys without a rune get numbers from Unicode's private use area.
const (
	keyUp key = 0xE000 + iota
	keyDown
	keyPageUp
	keyPageDown
	keyHome
	keyEnd
	keyEscape
	keyUnknown

	keyInterrupt key = 3
	keyEnter     key = '\r'
)

// sequences are what terminals send after ESC for keys (xterm's control sequences, VT220 and application mode).
var sequences = map[string]key{
	"[A": keyUp, "[B": keyDown, "OA": keyUp, "OB": keyDown, "[5~": keyPageUp, "[6~": keyPageDown,
	"[H": keyHome, "[F": keyEnd, "OH": keyHome, "OF": keyEnd, "[1~": keyHome, "[4~": keyEnd,
}

const longestSequence = 16

// decode turns the bytes that a terminal sent at one time into keys. It expects that no sequence is split over two reads.
func decode(b []byte) (keys []key) {
	for len(b) > 0 {
		if b[0] != 0x1b {
			r, n := utf8.DecodeRune(b)
			if keys, b = append(keys, key(r)), b[n:]; r == utf8.RuneError && n <= 1 {
				keys[len(keys)-1] = keyUnknown
			}
			continue
		}
		if len(b) == 1 || b[1] != '[' && b[1] != 'O' {
			keys, b = append(keys, keyEscape), b[1:]
			continue
		}
		n := 2 // the sequence ends with its final byte (ECMA-48, 5.4)
		for n < len(b) && n < longestSequence && (b[n] < 0x40 || b[n] > 0x7e) {
			n++
		}
		n = min(n+1, len(b))
		k, ok := sequences[string(b[1:n])]
		if !ok {
			k = keyUnknown
		}
		keys, b = append(keys, k), b[n:]
	}
	return keys
}
