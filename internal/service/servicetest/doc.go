// Package servicetest is the contract of service.Manager: one suite, Run, that each manager
// must pass against the real thing.
//
// What is supervised in it is the test binary itself under the name hermes (see Main).
package servicetest
