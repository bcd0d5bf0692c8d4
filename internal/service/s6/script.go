package s6

import (
	"os"
	"path/filepath"

	"hermes/internal/volume"
)

// Launcher replaces scripts on file systems without execution, such as docker's --tmpfs: a link to it runs the script of the same
// name with the suffix .sh (image/rootfs).
const Launcher = "/usr/lib/hermes/launch"

// WriteScript writes an executable shell script. If the file system forbids execution and the image has the launcher, it writes a
// link to the launcher and the script beside it. exists says that the file may exist; then it is replaced.
func WriteScript(path, content string, exists bool) error {
	write := os.WriteFile
	if exists {
		write = volume.WritePath
	}
	if !NoExec(filepath.Dir(path)) {
		return write(path, []byte(content), 0o755)
	}
	if err := write(path+".sh", []byte(content), 0o644); err != nil {
		return err
	}
	if target, err := os.Readlink(path); err == nil && target == Launcher {
		return nil
	}
	return os.Symlink(Launcher, path)
}
