// Package windows makes gateways Windows services. Only the calls of the service control manager need Windows; everything else is
// tested on every system.
package windows
