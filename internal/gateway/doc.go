// Package gateway runs one gateway from start to end: it takes the profile's lock, loads the profile's files, serves, drains and
// ends. It writes into gateway_state.json which of these it is doing.
package gateway
