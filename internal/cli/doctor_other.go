//go:build !unix

package cli

import "hermes/internal/profile"

func fileOwner(*profile.Store) (uid, gid int) { return 0, -1 }
