package main

import (
	"context"
	"strconv"
)

// measureRestart kills a gateway again and again and times its way back to ready, from
// inside the container.
func measureRestart(ctx context.Context, b *bench) error {
	c, err := b.startGateway(ctx)
	defer c.remove()
	if err != nil {
		return err
	}
	took, err := client[[]float64](ctx, c, "ready", strconv.Itoa(b.kills), gatewaySlot)
	if err != nil {
		return err
	}
	b.report.add(
		row{What: "kill -9 to ready, p50", Unit: "ms", Value: median(took), Budget: 150, Samples: took},
		row{What: "kill -9 to ready, p99", Unit: "ms", Value: percentile(took, 99), Budget: 150},
	)
	return nil
}
