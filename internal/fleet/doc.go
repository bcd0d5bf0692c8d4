// Package fleet keeps a picture of all gateways in memory and brings it up to date as things happen. Who shows it
// reads no file and asks no supervisor: it takes a Snapshot, and waits until that one is out of date.
package fleet
