// Package fleet says what people are shown of a gateway (View), and keeps a picture of all gateways in memory that it
// brings up to date as things happen. A page reads no file and asks no supervisor: it takes a Snapshot, and waits until
// that one is out of date.
package fleet
