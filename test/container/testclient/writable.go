//go:build unix

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// Access says what the present user may do with the files below some directories.
type Access struct {
	Seen     int      `json:"seen"`
	Writable []string `json:"writable"`
	// Privileged are files that run with another user's rights (setuid, setgid).
	Privileged []string `json:"privileged"`
}

const writeOK = 2 // W_OK of access(2)

// writable walks the directories before "--", without those after it, and prints an Access. It asks the kernel with access(2), so
// modes, ACLs and read-only mounts count. For a symlink the target counts; whether the link itself can be replaced depends on its
// directory.
func writable(args []string) error {
	roots, skip := args, []string{}
	if i := slices.Index(args, "--"); i >= 0 {
		roots, skip = args[:i], args[i+1:]
	}
	a := Access{Writable: []string{}, Privileged: []string{}}
	look := func(path string, d fs.DirEntry, err error) error {
		if slices.Contains(skip, path) {
			return fs.SkipDir
		}
		if err != nil {
			return nil // this user may not enter the directory
		}
		a.Seen++
		if syscall.Access(path, writeOK) == nil {
			a.Writable = append(a.Writable, path)
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() && info.Mode()&(os.ModeSetuid|os.ModeSetgid) != 0 {
			a.Privileged = append(a.Privileged, path)
		}
		return nil
	}
	for _, root := range roots {
		if err := filepath.WalkDir(root, look); err != nil {
			return err
		}
	}
	return printJSON(a)
}
