//go:build !windows

package cli

import (
	"context"

	"hermes/internal/gateway"
	"hermes/internal/service"
)

// runHosted runs the gateway until a signal ends it.
func runHosted(ctx context.Context, _ service.Kind, o gateway.Options) error {
	return gateway.Run(ctx, o)
}
