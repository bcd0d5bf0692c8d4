package main

import (
	"context"

	"hermes/test/container/docker"
)

// measureRun times `docker run --rm IMAGE true`, in turn with a plain image, and with the same
// image without its init. The last shows what the init costs and nothing else: an image with
// a volume costs docker more than one without.
func measureRun(ctx context.Context, b *bench) error {
	common := []string{"run", "--rm", "--label", docker.Label, "--network", "none"}
	commands := map[string][]string{
		"here":    append(common[:len(common):len(common)], b.image, "true"),
		"plain":   append(common[:len(common):len(common)], b.peer, "true"),
		"no init": append(common[:len(common):len(common)], "--entrypoint", "true", b.image),
	}
	samples := map[string][]float64{}
	for range b.runs {
		for name, args := range commands { // in another order each time, as maps are
			r, err := must(ctx, args...)
			if err != nil {
				return err
			}
			samples[name] = append(samples[name], milliseconds(r.Took))
		}
	}
	here := row{What: "docker run IMAGE true", Unit: "ms", Value: median(samples["here"]), Samples: samples["here"]}
	plain, same := here, here
	plain.Peer, plain.PeerIs = median(samples["plain"]), b.peer
	same.Peer, same.PeerIs, same.Budget, same.OverPeer = median(samples["no init"]), "IMAGE without its init", 150, true
	b.report.add(plain, same)
	return nil
}
