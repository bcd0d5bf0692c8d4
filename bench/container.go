package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"hermes/test/container/docker"
)

const (
	gatewaySlot = "/run/service/gateway-default"
	// readyTimeout is how long a container may take until its gateway is ready.
	readyTimeout = 60 * time.Second
)

// must runs docker and fails unless it succeeds.
func must(ctx context.Context, args ...string) (docker.Result, error) {
	r := docker.Do(ctx, nil, args...)
	return r, r.Failed()
}

// container is a running container of a measurement. remove it when done.
type container string

func (b *bench) start(ctx context.Context, image string, flags []string, cmd ...string) (container, error) {
	name := "hermes-bench-" + strings.ToLower(rand.Text()[:10])
	args := append([]string{"run", "-d", "--name", name, "--label", docker.Label, "--network", "none"}, docker.MountTestClient(b.testClient)...)
	args = append(append(append(args, flags...), image), cmd...)
	_, err := must(ctx, args...)
	return container(name), err
}

// startGateway starts a container with a supervised gateway and returns when that is ready.
func (b *bench) startGateway(ctx context.Context) (container, error) {
	c, err := b.start(ctx, b.image, nil, "gateway", "run")
	if err == nil {
		err = c.waitReady(ctx, gatewaySlot)
	}
	return c, err
}

func (c container) waitReady(ctx context.Context, slot string) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		r := docker.Do(ctx, nil, "exec", string(c), "s6-svstat", "-o", "ready", slot)
		switch {
		case r.Code == 0 && strings.TrimSpace(r.Stdout) == "true":
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("%s of %s is not ready after %s: %s", slot, c, readyTimeout, r)
		}
	}
}

// remove is a cleanup: it works after an interruption too, and has nobody to tell.
func (c container) remove() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_ = docker.Do(ctx, nil, "rm", "-f", "-v", string(c))
}

// exec runs a command in the container as its runtime user and returns its output.
func (c container) exec(ctx context.Context, cmd ...string) (string, error) {
	r, err := must(ctx, append([]string{"exec", "-u", "hermes", string(c)}, cmd...)...)
	return strings.TrimSpace(r.Stdout), err
}

// client runs the test client in the container and decodes what it prints.
func client[T any](ctx context.Context, c container, args ...string) (T, error) {
	var v T
	out, err := c.exec(ctx, append([]string{docker.TestClientPath}, args...)...)
	if err != nil {
		return v, err
	}
	return v, json.Unmarshal([]byte(out), &v)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
