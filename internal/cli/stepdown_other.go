//go:build !unix

package cli

import "errors"

// leaveTerminal does nothing: root never steps down here.
func leaveTerminal() {}

// becomeUser fails: there is no root that could step down here.
func becomeUser(int, int) error { return errors.ErrUnsupported }
