// Package boot does what is needed between the start of a container and its first gateway. Setup runs as root and prepares the
// runtime user and the directories that belong to it. Reconcile runs as that user and brings back the gateways that were running.
package boot
