// Package servicetest tests the contract of service.Manager. It has one suite, Run, that each manager must pass with its real
// supervisor.
//
// The program that is supervised is the test binary itself, under the name hermes (see Main).
package servicetest
