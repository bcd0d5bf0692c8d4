// Package boot is what happens between the start of a container and its first gateway: Setup, as
// root, makes the runtime user and the places that belong to it; Reconcile, as that user,
// brings back the gateways that were running.
package boot
