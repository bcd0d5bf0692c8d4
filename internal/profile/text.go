package profile

import "bytes"

// PlainText returns a text without the byte order mark that some editors write before UTF-8. For a file in UTF-16, which Windows
// calls Unicode, it returns an error.
func PlainText(file string, data []byte) ([]byte, error) {
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return nil, &ConfigError{File: file, Line: 1, Msg: "it is UTF-16: save it as UTF-8"}
	}
	return bytes.TrimPrefix(data, []byte("\ufeff")), nil
}
