// Package container is what hermes does as the init of its image. It prepares the two supervision trees, makes s6-svscan PID 1, runs
// the boot scripts and the container's command, and ends the remaining processes. It also knows the conventions of the image: the
// runtime user, the container's environment, and the redirect of `gateway run`.
package container
