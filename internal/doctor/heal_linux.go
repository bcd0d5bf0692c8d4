package doctor

import (
	"context"
	"fmt"

	"hermes/internal/boot"
)

// heal does what a boot does.
func (e *examination) heal(context.Context) (string, error) {
	if err := boot.Heal(e.Store.Root(), e.UID, e.GID); err != nil {
		return "", err
	}
	return fmt.Sprintf("gave %s to %d:%d", e.Store.Root(), e.UID, e.GID), nil
}
