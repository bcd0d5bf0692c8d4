// Package live draws the table that `hermes up` shows on a terminal: what every gateway does, updated at every change, with keys to
// start, stop and restart a gateway and to read its log. It uses no library for that, because a library would slow the start of
// every gateway process.
package live
