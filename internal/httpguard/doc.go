// Package httpguard keeps an HTTP server answering while somebody holds connections without sending or reading: it
// bounds connections in all and for each address, lets go of those that keep nobody waiting but the server, and takes
// the body of a request, within a size and a time, before anything is done about it.
package httpguard
