//go:build !unix

package volume

const openFlags = 0
