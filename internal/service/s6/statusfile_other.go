//go:build !unix

package s6

import (
	"context"

	"hermes/internal/service"
)

// reader returns the function with which List gets the status of a slot.
func (m *Manager) reader(ctx context.Context, _ []service.ID) func(service.ID) (slotStatus, error) {
	return func(id service.ID) (slotStatus, error) { return svstat(ctx, id, "status", m.slots.path(id)) }
}
