//go:build !unix

package cli

import "errors"

func becomeUser(int, int) error { return errors.ErrUnsupported }
