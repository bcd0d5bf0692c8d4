// Package operate starts, stops, restarts, creates, clones, renames, deletes and installs: the one way to do so for the command
// line, the dashboard and the live table. They parse, call it, and show what came of it.
//
// It writes down what the operator wants before it tells the service manager, waits for as long as a gateway may take, and, where a
// gateway does not become ready, says why.
package operate
