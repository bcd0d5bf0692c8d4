package main

import "context"

// measureStop times docker stop of a container with an idle gateway, in turn with a plain
// image whose shell ends at once on SIGTERM.
func measureStop(ctx context.Context, b *bench) error {
	var here, plain []float64
	for range b.runs {
		c, err := b.startGateway(ctx)
		if err == nil {
			here, err = stop(ctx, c, here)
		}
		c.remove()
		if err != nil {
			return err
		}
		c, err = b.start(ctx, b.peer, nil, "bash", "-c", "trap 'exit 0' TERM; sleep infinity & wait")
		if err == nil {
			plain, err = stop(ctx, c, plain)
		}
		c.remove()
		if err != nil {
			return err
		}
	}
	b.report.add(row{
		What: "docker stop, an idle gateway", Unit: "ms", Value: median(here), Samples: here,
		Peer: median(plain), PeerIs: b.peer + ", a shell", Budget: 500,
	})
	return nil
}

func stop(ctx context.Context, c container, took []float64) ([]float64, error) {
	r, err := must(ctx, "stop", string(c))
	return append(took, milliseconds(r.Took)), err
}
