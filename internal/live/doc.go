// Package live is the table that `hermes up` shows on a terminal: what every gateway does, as it changes, with keys to start, stop
// and restart it and to read its log. It draws by itself: a library for that would cost every gateway process its start-up.
package live
