package volume

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"time"
)

// busyWait is how long a reader may keep a file from being replaced.
const busyWait = time.Second

// replaceIn writes a new file, syncs it, and renames it over a name. It is for systems without openat(2). If busy says so of the
// rename's error, it tries again for up to busyWait, because a reader may keep the file from being replaced for a moment. If
// anything fails, the name keeps its old content.
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
		_ = r.Remove(tmp) // the first error is the one to return
	}
	return err
}
