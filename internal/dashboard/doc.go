// Package dashboard is the page that shows people what their gateways do.
package dashboard
