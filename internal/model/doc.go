// Package model is the gateway's view of a language model: what a provider gets,
// what it streams back, and how it fails.
//
// Adapters live below it, one per technology.
package model
