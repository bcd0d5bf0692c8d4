// Package httpguard keeps an HTTP server answering while clients hold connections without sending or reading. It limits the number
// of connections, in all and for each address. When a limit is reached, it closes idle connections. It reads the body of a request,
// within a size and a time, before the handler works on it.
package httpguard
