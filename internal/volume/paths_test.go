package volume

import (
	"context"
	"io/fs"
	"os"
)

// The tests name files by their paths, so these functions take paths.

func readFile(path string, limit int64) ([]byte, error) {
	d, name := Split(path)
	return d.ReadFile(name, limit)
}

func writeFile(path string, data []byte, perm fs.FileMode) error {
	d, name := Split(path)
	return d.WriteFile(name, data, perm)
}

func open(path string) (*os.File, error) {
	d, name := Split(path)
	return d.Open(name)
}

func lockNow(path string) (*Lock, error) {
	d, name := Split(path)
	return d.TryLock(name)
}

func waitLock(ctx context.Context, path string) (*Lock, error) {
	d, name := Split(path)
	return d.WaitLock(ctx, name)
}

func isDir(path string) error {
	d, name := Split(path)
	return d.IsDir(name)
}
