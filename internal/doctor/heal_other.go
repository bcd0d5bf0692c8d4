//go:build unix && !linux

package doctor

import (
	"context"
	"errors"
)

func (e *examination) heal(context.Context) (string, error) {
	return "", errors.New("this works only on Linux")
}
