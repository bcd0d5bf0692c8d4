//go:build !unix

package cli

import "errors"

func leaveTerminal() {}

func becomeUser(int, int) error { return errors.ErrUnsupported }
