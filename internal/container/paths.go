package container

import (
	"os"
	"path/filepath"

	"hermes/internal/environment"
	"hermes/internal/service/s6"
)

// Layout says where the parts of a running container are, below one run-time directory: s6.RunDir, or a directory of the home. In a
// container that starts as root, everything belongs to root except Own and the gateways' scan directory. In any other container
// everything belongs to the runtime user.
type Layout struct{ Dir string }

// S6 is the directory of the outer tree.
func (l Layout) S6() string { return filepath.Join(l.Dir, "s6") }

// BaseDir is the directory by which tools recognize that s6 is in charge of a container. Its bin/halt stops the container.
func (l Layout) BaseDir() string { return filepath.Join(l.S6(), "basedir") }

// EnvDir holds the container's environment, one file per variable (s6-envdir).
func (l Layout) EnvDir() string { return filepath.Join(l.S6(), "container_environment") }

// treeEnv holds the variables that every gateway gets; slotEnv holds those that only some services get.
func (l Layout) treeEnv() string { return filepath.Join(l.S6(), "tree_environment") }

func (l Layout) slotEnv() string { return filepath.Join(l.S6(), "slot_environment") }

// TreeDir is the scan directory of the outer tree.
func (l Layout) TreeDir() string { return s6.RootTree(l.Dir) }

// Own is the directory that belongs to the runtime user.
func (l Layout) Own() string { return filepath.Join(l.Dir, "hermes") }

// Scandir is the scan directory of the gateways' tree.
func (l Layout) Scandir() string { return s6.ScandirIn(environment.Get, l.Dir) }

// stage2PID is the file with the pid of the process that runs the container's command.
func (l Layout) stage2PID() string { return filepath.Join(l.S6(), "stage2.pid") }

// exitCode is the file with the exit code of the container.
func (l Layout) exitCode() string { return filepath.Join(l.S6(), "exitcode") }

// userTreeReady is the FIFO on which the gateways' tree says that it takes commands.
func (l Layout) userTreeReady() string { return filepath.Join(l.S6(), "user-tree.ready") }

// heartbeat is the file with the pid of the process that replaced a redirected `gateway run`.
func (l Layout) heartbeat() string { return filepath.Join(l.Own(), "heartbeat") }

// embedded is the file that says that the embedded supervisor is in charge of this container.
func (l Layout) embedded() string { return filepath.Join(l.S6(), "embedded") }

// IsEmbedded reports whether this process is in a container whose init runs the embedded supervisor.
func IsEmbedded() bool {
	_, err := os.Lstat(found().embedded())
	return err == nil
}

// found returns the layout of the container in which this process runs.
func found() Layout { return Layout{s6.RuntimeDir(environment.Get)} }

const (
	// InitScripts is the directory of the scripts that run before the command, FinishScripts that of the scripts that run after it.
	// They run as root if the container starts as root.
	InitScripts   = "/etc/cont-init.d"
	FinishScripts = "/etc/cont-finish.d"

	// imageMark is a file that exists only in the image.
	imageMark = "/etc/hermes/image"
)

// systemPath is the PATH for programs that root runs before it uses the container's PATH.
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// InImage reports whether this process runs in our image, or in another image whose init is ours.
func InImage() bool {
	if _, err := os.Lstat(imageMark); err == nil {
		return true
	}
	_, err := os.Lstat(Layout{s6.RunDir}.embedded())
	return err == nil
}

// InContainer reports whether this process runs in any container.
func InContainer() bool {
	for _, mark := range []string{imageMark, "/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Lstat(mark); err == nil {
			return true
		}
	}
	return os.Getenv("KUBERNETES_SERVICE_HOST") != ""
}
