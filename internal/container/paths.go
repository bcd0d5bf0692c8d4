package container

import "os"

// The places of the image. All of them but RunDir and the scan directory of the gateways belong to root.
const (
	// RunS6 holds everything of the root tree.
	RunS6 = "/run/s6"
	// BaseDir is where tools look to learn that s6 is in charge of a container; its bin/halt stops it.
	BaseDir = RunS6 + "/basedir"
	// EnvDir holds the container's environment, a file a variable (s6-envdir).
	EnvDir = RunS6 + "/container_environment"
	// TreeDir is the scan directory of the root tree.
	TreeDir = RunS6 + "/tree"
	// stage2PIDFile says which process runs the container's command.
	stage2PIDFile = RunS6 + "/stage2.pid"
	// exitCodeFile says how the container is to end.
	exitCodeFile = RunS6 + "/exitcode"
	// userTreeReady is the FIFO on which the gateways' tree says that it takes commands.
	userTreeReady = RunS6 + "/user-tree.ready"
	// RunDir belongs to the runtime user.
	RunDir = "/run/hermes"
	// heartbeatFile holds the pid of the process that took the place of a redirected `gateway run`.
	heartbeatFile = RunDir + "/heartbeat"

	// InitScripts run as root before the command, FinishScripts after it.
	InitScripts   = "/etc/cont-init.d"
	FinishScripts = "/etc/cont-finish.d"

	// imageMark exists in the image and nowhere else.
	imageMark = "/etc/hermes/image"
)

// systemPath is the PATH of what root runs before the container's own PATH counts.
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// InImage reports whether this process runs in our image.
func InImage() bool {
	_, err := os.Lstat(imageMark)
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
