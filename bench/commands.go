package main

import (
	"context"
	"strconv"
)

// measureCommands times commands inside a container with a gateway, beside a program that
// does nothing.
func measureCommands(ctx context.Context, b *bench) error {
	c, err := b.startGateway(ctx)
	defer c.remove()
	if err != nil {
		return err
	}
	const times = 50
	time := func(cmd ...string) ([]float64, error) {
		return client[[]float64](ctx, c, append([]string{"times", strconv.Itoa(times)}, cmd...)...)
	}
	nothing, err := time("true")
	if err != nil {
		return err
	}
	for _, m := range []struct {
		cmd    []string
		budget float64
	}{
		{[]string{"hermes", "version"}, 0},
		{[]string{"hermes", "gateway", "status"}, 15},
		{[]string{"hermes", "gateway", "list"}, 0},
		{[]string{"hermes", "healthcheck"}, 0},
	} {
		took, err := time(m.cmd...)
		if err != nil {
			return err
		}
		what := ""
		for _, word := range m.cmd {
			what += word + " "
		}
		b.report.add(row{
			What: what + "(p50)", Unit: "ms", Value: median(took), Samples: took,
			Peer: median(nothing), PeerIs: "true", Budget: m.budget,
		})
	}
	return nil
}
