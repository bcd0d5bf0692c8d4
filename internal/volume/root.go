package volume

import (
	"os"
)

// OpenIn opens an existing regular file below a directory for reading, as Open does. Nothing leaves the
// directory, also not by a symbolic link in the middle of the name.
func OpenIn(r *os.Root, name string) (*os.File, error) {
	f, err := r.OpenFile(name, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = notRegular(f.Name(), info.Mode())
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
