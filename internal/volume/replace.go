package volume

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"time"
)

// busyWait is how long somebody may keep a file from being replaced by reading it.
const busyWait = time.Second

// replaceIn writes a new file, syncs it, and renames it over a name. It is for systems without openat(2). A rename whose error is busy is
// tried again for busyWait: somebody may be reading what is replaced, without allowing that, for a moment. Whatever fails, the name has
// the content of before.
func replaceIn(r *os.Root, name string, data []byte, perm fs.FileMode, busy func(error) bool) error {
	var f *os.File
	tmp, err := unused(path.Join(path.Dir(name), "."+path.Base(name)), func(tmp string) (err error) {
		f, err = r.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
		return err
	})
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = r.Rename(tmp, name)
		for begun := time.Now(); err != nil && busy(err) && time.Since(begun) < busyWait; err = r.Rename(tmp, name) {
			time.Sleep(lockPause)
		}
	}
	if err != nil {
		_ = r.Remove(tmp) // the first error counts
	}
	return err
}
