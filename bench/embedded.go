package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	// manyProfiles is how many gateways both supervisors start at once.
	manyProfiles = 500
	apiReady     = "http://127.0.0.1:8642/ready"
)

// supervisor is one of the two ways to run gateways in a container.
type supervisor struct {
	name  string
	flags []string
	cmd   []string
}

var (
	underS6 = supervisor{"s6", nil, []string{"gateway", "run"}}
	underUp = supervisor{"hermes up", []string{"--entrypoint", "hermes", "--user", "10000:10000", "-e", "HERMES_DASHBOARD=0"}, []string{"up"}}
)

// figures is what is compared.
type figures struct {
	revive              []float64
	gateway, supervises float64 // kB
	many                float64 // ms
}

// measureEmbedded compares the embedded supervisor with s6: memory, the way back of a gateway that was killed, and many gateways
// at once.
func measureEmbedded(ctx context.Context, b *bench) error {
	up, err := b.measureSupervisor(ctx, underUp)
	if err != nil {
		return err
	}
	peer, err := b.measureSupervisor(ctx, underS6)
	if err != nil {
		return err
	}
	add := func(what, unit string, here, there float64, samples []float64) {
		b.report.add(row{What: what, Unit: unit, Value: here, Peer: there, PeerIs: underS6.name, Samples: samples})
	}
	add("hermes up: kill -9 to an answer, p50", "ms", median(up.revive), median(peer.revive), up.revive)
	add("  p99", "ms", percentile(up.revive, 99), percentile(peer.revive, 99), nil)
	add(fmt.Sprintf("hermes up: memory (PSS) of one of %d gateways", b.profiles), "kB", up.gateway, peer.gateway, nil)
	add("  its supervision", "kB", up.supervises, peer.supervises, nil)
	add("  together", "kB", up.gateway+up.supervises, peer.gateway+peer.supervises, nil)
	add(fmt.Sprintf("hermes up: %d gateways from docker run to all ready", manyProfiles), "ms", up.many, peer.many, nil)
	return nil
}

func (b *bench) measureSupervisor(ctx context.Context, s supervisor) (f figures, err error) {
	c, err := b.start(ctx, b.image, s.flags, s.cmd...)
	defer c.remove()
	if err == nil {
		err = c.waitAnswer(ctx)
	}
	if err != nil {
		return f, err
	}
	if f.revive, err = client[[]float64](ctx, c, "revive", strconv.Itoa(b.kills), apiReady); err != nil {
		return f, err
	}
	for i := range b.profiles - 1 {
		if _, err := c.exec(ctx, "hermes", "profile", "create", fmt.Sprintf("p%d", i), "--start"); err != nil {
			return f, err
		}
	}
	if f.gateway, f.supervises, err = memory(ctx, c); err != nil {
		return f, err
	}
	f.many, err = b.measureMany(ctx, s)
	return f, err
}

// waitAnswer returns when the default profile's gateway answers.
func (c container) waitAnswer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		_, err := c.exec(ctx, "hermes", "healthcheck")
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
}

// measureMany times many gateways from docker run until each has written that it serves.
func (b *bench) measureMany(ctx context.Context, s supervisor) (float64, error) {
	volume, remove, err := b.fleetVolume(ctx, manyProfiles)
	defer remove()
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, fleetTimeout)
	defer cancel()
	begin := time.Now()
	c, err := b.start(ctx, b.image, append(s.flags[:len(s.flags):len(s.flags)], "-v", volume+":/opt/data"), s.cmd...)
	defer c.remove()
	if err != nil {
		return 0, err
	}
	out, err := c.exec(ctx, "sh", "-c", `until n=$(grep -lE '"gateway_state": *"running"' /opt/data/profiles/p*/gateway_state.json 2>/dev/null | wc -l) && [ "$n" = `+
		strconv.Itoa(manyProfiles)+` ]; do sleep 0.05; done; echo "$n"`)
	if err == nil && strings.TrimSpace(out) != strconv.Itoa(manyProfiles) {
		err = fmt.Errorf("%s of %d gateways are ready", out, manyProfiles)
	}
	return milliseconds(time.Since(begin)), err
}
