package main

import (
	"context"
	"strconv"
	"strings"

	"hermes/test/container/docker"
)

const megabyte = 1e6

// measureSize adds the size of the binary in the image, and of the image.
func measureSize(ctx context.Context, b *bench) error {
	r, err := must(ctx, "run", "--rm", "--label", docker.Label, "--network", "none", "--entrypoint", "stat", b.image,
		"-c", "%s", "/usr/local/bin/hermes")
	if err != nil {
		return err
	}
	binary, err := strconv.ParseFloat(strings.TrimSpace(r.Stdout), 64)
	if err != nil {
		return err
	}
	here, err := imageSize(ctx, b.image)
	if err != nil {
		return err
	}
	plain, err := imageSize(ctx, b.peer)
	if err != nil {
		return err
	}
	b.report.add(
		row{What: "the binary", Unit: "MB", Value: binary / megabyte},
		row{What: "the image", Unit: "MB", Value: here / megabyte, Peer: plain / megabyte, PeerIs: b.peer},
	)
	return nil
}

func imageSize(ctx context.Context, image string) (float64, error) {
	r, err := must(ctx, "image", "inspect", "-f", "{{.Size}}", image)
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(strings.TrimSpace(r.Stdout), 64)
}
