//go:build unix

package volume

import (
	"os"
	"path/filepath"
	"syscall"
)

// give makes what root writes belong to whom the directory belongs: a command that root types about a home must not
// lock the home's user out of it.
func give(f *os.File, dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Uid == 0 {
		return nil
	}
	return f.Chown(int(st.Uid), int(st.Gid))
}

// giveLock does the same for a lock's file that root has just made. Another name for one of root's own files, put in its
// place meanwhile, is left alone.
func giveLock(path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	f, err := Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid != 0 || st.Nlink != 1 {
		return nil
	}
	return give(f, filepath.Dir(path))
}
