//go:build unix && !linux

package main

import "errors"

func exchange([]string) error { return errors.ErrUnsupported }
