//go:build !unix

package cli

// ownerOf does not say: a service runs as the account that the system gives it.
func ownerOf(string) (uid int, name string, err error) { return -1, "", nil }

func currentUser() string { return "" }
