package cli

import (
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"
)

// cleanWriter is what everything is printed through that people read or programs parse: names, states, log lines and errors may
// hold what others wrote, and a terminal obeys some of that. It leaves out control characters, escape among them, and
// marks that turn the direction of writing; line ends and tabs stay. In JSON they are written as \u escapes instead.
// Bytes that are no UTF-8 become U+FFFD.
//
// What is to reach a terminal as it is goes to app.raw: the live table, the progress of a copy, an archive, `gateway logs --raw`.
type cleanWriter struct {
	w    io.Writer
	json func() bool
	rest []byte // the beginning of a character whose end has not come yet
	buf  []byte
}

// obeyed reports whether a terminal does more with a character than show it.
func obeyed(r rune) bool {
	return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == '\ufeff')
}

// Write implements io.Writer.
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

func plainASCII(p []byte) bool {
	for _, b := range p {
		if (b < ' ' || b > '~') && b != '\n' && b != '\t' {
			return false
		}
	}
	return true
}
