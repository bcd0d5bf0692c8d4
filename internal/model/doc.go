// Package model defines how the gateway sees a language model: what a provider is asked, what events it streams back, and how it
// fails.
//
// The adapters, one per technology, are packages below this one.
package model
