// Package access decides who may use the dashboard: it lets in by password or session, and keeps out what other pages,
// other names and other hosts try through a visitor's browser.
package access
