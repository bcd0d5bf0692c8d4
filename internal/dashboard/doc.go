// Package dashboard is the website that shows people what their gateways do. Each page has a struct of its own, which holds what the
// page needs and registers its routes. What the pages share with the API is in package backend.
package dashboard
