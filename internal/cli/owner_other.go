//go:build !unix

package cli

// ownerOf returns no owner: here a service runs as the account that the system gives it.
func ownerOf(string) (uid int, name string, err error) { return -1, "", nil }

// currentUser returns "": the only message that would name the user is about systemd.
func currentUser() string { return "" }
