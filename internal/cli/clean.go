package cli

import (
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"
)

// cleanWriter is a writer for text that people read on a terminal or that programs parse. Names, states, log lines and errors may
// hold text of others, and a terminal obeys some characters instead of showing them. The writer leaves out control characters,
// escape among them, and marks that turn the direction of writing. Line ends and tabs stay. In JSON it writes these characters as \u
// escapes instead. Bytes that are no UTF-8 become U+FFFD.
//
// What is to reach a terminal unchanged is written to app.raw: the live table, the progress of a copy, an archive, and
// `gateway logs --raw`.
type cleanWriter struct {
	w    io.Writer
	json func() bool
	rest []byte // the first bytes of a character whose other bytes have not been written yet
	buf  []byte
}

// obeyed reports whether a terminal does more with a character than show it.
func obeyed(r rune) bool {
	return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == '\ufeff')
}

// Write writes what is left of p. It reports len(p) if that succeeds.
func (c *cleanWriter) Write(p []byte) (int, error) {
	if len(c.rest) == 0 && plainASCII(p) {
		return c.w.Write(p)
	}
	c.buf = c.buf[:0]
	data := append(c.rest, p...)
	c.rest = nil
	for len(data) > 0 {
		if !utf8.FullRune(data) {
			c.rest = append(c.rest, data...)
			break
		}
		r, n := utf8.DecodeRune(data)
		data = data[n:]
		switch {
		case !obeyed(r):
			c.buf = utf8.AppendRune(c.buf, r)
		case c.json():
			c.buf = fmt.Appendf(c.buf, `\u%04x`, r)
		}
	}
	if _, err := c.w.Write(c.buf); err != nil {
		return 0, err
	}
	return len(p), nil
}

// plainASCII reports whether p has nothing but printable ASCII characters, line ends and tabs.
func plainASCII(p []byte) bool {
	for _, b := range p {
		if (b < ' ' || b > '~') && b != '\n' && b != '\t' {
			return false
		}
	}
	return true
}
