// Package gateway is a gateway's life: it takes the profile's lock, loads its files,
// serves, drains and ends, and says in gateway_state.json where it stands.
package gateway
