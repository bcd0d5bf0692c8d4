// Package service says what a service manager does for gateways, whichever it
// is: the Manager interface, its errors, and how to tell which one is in charge.
//
// Adapters live below it, one per technology. Package servicetest holds the
// contract that each of them must pass, against the real thing.
package service
