package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// memoryFile returns a file without a name, because a container may have no directory that can be written.
func memoryFile(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}
