package volume

import (
	"errors"
	"fmt"
	"io/fs"
)

// SetAsideError reports a file that is full and cannot be set aside.
type SetAsideError struct{ Err error }

func (e *SetAsideError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *SetAsideError) Unwrap() error { return e.Err }

// AppendLimited adds data to a file in one write. A file that it would make larger than limit is set aside as NAME.1 first, in the place
// of the one of before, or the error is *SetAsideError. What is missing is made: the directory of d with mode 0755, the file with perm.
func (d Dir) AppendLimited(name string, data []byte, perm fs.FileMode, limit int64) error {
	if err := d.MkdirAll(".", 0o755); err != nil {
		return err
	}
	info, err := d.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is %s", d.Path(name), Kind(info.Mode()))
	case info.Size()+int64(len(data)) > limit:
		if err := d.SetAside(name, name+".1", 2*limit); err != nil {
			return &SetAsideError{err}
		}
	}
	f, err := d.Append(name, perm)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
