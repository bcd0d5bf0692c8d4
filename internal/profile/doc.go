// Package profile is the domain: what a profile is called, where its home lies, and which state its gateway is in.
//
// It knows the files of contract "On disk" and nothing of processes, supervisors
// or terminals. What the files say is for the packages below this directory: config (config.yaml), env (.env), ports,
// contents (what belongs into a copy of a home), provision (how a profile is made) and archive.
package profile
