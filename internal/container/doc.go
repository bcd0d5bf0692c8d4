// Package container is what hermes does as the init of its image: it prepares the two supervision
// trees and hands PID 1 to s6-svscan, runs the boot scripts and the container's command, and
// ends what is left. It also knows the image's conventions: the runtime user, the
// container's environment, and the redirect of `gateway run`.
package container
