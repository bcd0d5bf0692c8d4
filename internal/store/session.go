package store

// MaxSessionID is the length of the longest session id, in bytes.
const MaxSessionID = 128

// ValidSessionID reports whether a client may use this session id: 1 to 128 printable ASCII characters without spaces.
func ValidSessionID(id string) bool {
	if id == "" || len(id) > MaxSessionID {
		return false
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return true
}
