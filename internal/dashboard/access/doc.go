// Package access decides who may use the dashboard. It lets in whoever has the password, a session, a link, or an issuer that vouches
// for them. It refuses requests that a visitor's browser sends because a page of another site made it do so.
package access
