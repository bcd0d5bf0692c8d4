// Package stream sends visitors what happens while they look: what changes about gateways, and the lines of a log.
package stream
