package volume

import (
	"errors"
	"fmt"
	"io/fs"
)

// SetAsideError reports that a file is full and cannot be renamed to NAME.1.
type SetAsideError struct{ Err error }

func (e *SetAsideError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *SetAsideError) Unwrap() error { return e.Err }

// AppendLimited appends data to a file in one write. If the file would become larger than limit, AppendLimited first renames it to
// NAME.1, which replaces the earlier NAME.1; if that fails, the error is *SetAsideError. It creates what is missing: the directory
// of d with mode 0755 and the file with mode perm.
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
