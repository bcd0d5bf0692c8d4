// Package profile is the domain: what a profile is called, where its home lies,
// what its files say, which port it serves on, and which state its gateway is in.
//
// It knows the files of contract "On disk" and nothing of processes, supervisors
// or terminals.
package profile
