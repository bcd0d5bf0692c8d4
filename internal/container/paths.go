package container

import (
	"os"
	"path/filepath"

	"hermes/internal/environment"
	"hermes/internal/service/s6"
)

// Layout is where the parts of a running container are, below one run-time directory: s6.RunDir, or a directory
// of the home. In a container that starts as root all of it belongs to root but Own and the scan directory
// of the gateways; in one that does not, all of it is the runtime user's.
type Layout struct{ Dir string }

// S6 holds everything of the outer tree.
func (l Layout) S6() string { return filepath.Join(l.Dir, "s6") }

// BaseDir is where tools look to learn that s6 is in charge of a container; its bin/halt stops it.
func (l Layout) BaseDir() string { return filepath.Join(l.S6(), "basedir") }

// EnvDir holds the container's environment, a file a variable (s6-envdir).
func (l Layout) EnvDir() string { return filepath.Join(l.S6(), "container_environment") }

// treeEnv holds what of it every gateway gets, slotEnv what only some services do.
func (l Layout) treeEnv() string { return filepath.Join(l.S6(), "tree_environment") }

func (l Layout) slotEnv() string { return filepath.Join(l.S6(), "slot_environment") }

// TreeDir is the scan directory of the outer tree.
func (l Layout) TreeDir() string { return s6.RootTree(l.Dir) }

// Own belongs to the runtime user.
func (l Layout) Own() string { return filepath.Join(l.Dir, "hermes") }

// Scandir is where the gateways' tree is.
func (l Layout) Scandir() string { return s6.ScandirIn(environment.Get, l.Dir) }

// stage2PID is the file that says which process runs the container's command.
func (l Layout) stage2PID() string { return filepath.Join(l.S6(), "stage2.pid") }

// exitCode is the file that says how the container is to end.
func (l Layout) exitCode() string { return filepath.Join(l.S6(), "exitcode") }

// userTreeReady is the FIFO on which the gateways' tree says that it takes commands.
func (l Layout) userTreeReady() string { return filepath.Join(l.S6(), "user-tree.ready") }

// heartbeat is the file with the pid of the process that took the place of a redirected `gateway run`.
func (l Layout) heartbeat() string { return filepath.Join(l.Own(), "heartbeat") }

// embedded is the file that says that the embedded supervisor is in charge of this container.
func (l Layout) embedded() string { return filepath.Join(l.S6(), "embedded") }

// IsEmbedded reports whether this process is in a container whose init runs the embedded supervisor.
func IsEmbedded() bool {
	_, err := os.Lstat(found().embedded())
	return err == nil
}

// found is the layout of the container that this process is in.
func found() Layout { return Layout{s6.RuntimeDir(environment.Get)} }

const (
	// InitScripts run before the command, FinishScripts after it: as root where the container starts as root.
	InitScripts   = "/etc/cont-init.d"
	FinishScripts = "/etc/cont-finish.d"

	// imageMark exists in the image and nowhere else.
	imageMark = "/etc/hermes/image"
)

// systemPath is the PATH of what root runs before the container's own PATH counts.
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// InImage reports whether this process runs in our image, or in another one whose init is ours.
func InImage() bool {
	if _, err := os.Lstat(imageMark); err == nil {
		return true
	}
	_, err := os.Lstat(Layout{s6.RunDir}.embedded())
	return err == nil
}

// InContainer reports whether this process runs in a container of any kind.
func InContainer() bool {
	for _, mark := range []string{imageMark, "/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Lstat(mark); err == nil {
			return true
		}
	}
	return os.Getenv("KUBERNETES_SERVICE_HOST") != ""
}
