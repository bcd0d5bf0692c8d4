// Package windows makes gateways Windows services. Only the calls of the service control manager need Windows: everything else is
// tested everywhere.
package windows
