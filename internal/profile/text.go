package profile

import "bytes"

// PlainText returns a text without the mark that some editors put before UTF-8, or the error for a file that is UTF-16, which
// Windows calls Unicode.
func PlainText(file string, data []byte) ([]byte, error) {
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return nil, &ConfigError{File: file, Line: 1, Msg: "it is UTF-16: save it as UTF-8"}
	}
	return bytes.TrimPrefix(data, []byte("\ufeff")), nil
}
