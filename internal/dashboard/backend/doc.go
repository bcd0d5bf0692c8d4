// Package backend is what the dashboard's pages and its API have in common: it finds gateways, acts on them, reads what they keep,
// and records who did what. It knows neither of the two.
package backend
