package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hermes/test/container/docker"
)

const (
	fleetSize = 1000
	// fleetTimeout is how long a fleet may take until it is ready.
	fleetTimeout = 3 * time.Minute
	// idleFor is how long a fleet is watched that has nothing to do.
	idleFor = time.Minute
)

// fillFleet puts profiles on a volume that are all to run.
const fillFleet = `set -e
cd /opt/data
i=0
while [ $i -lt "$1" ]; do
	mkdir -p profiles/p$i
	echo 'You are one of many.' >profiles/p$i/SOUL.md
	printf 'API_SERVER_KEY=hk-0123456789abcdef0123456789abcdef\nAPI_SERVER_PORT=%d\n' $((20000+i)) >profiles/p$i/.env
	chmod 0600 profiles/p$i/.env
	echo '{"desired_state":"running"}' >profiles/p$i/gateway_state.json
	i=$((i+1))
done
echo '{"desired_state":"running"}' >gateway_state.json
chown -R 10000:10000 /opt/data`

// measureFleet adds what a thousand gateways cost: to write their slots, to boot, to list, to leave alone, to stop.
func measureFleet(ctx context.Context, b *bench) error {
	volume, remove, err := b.fleetVolume(ctx, fleetSize)
	defer remove()
	if err != nil {
		return err
	}
	if err := b.measureReconcile(ctx, volume); err != nil {
		return err
	}
	begin := time.Now()
	c, err := b.start(ctx, b.image, []string{"-v", volume + ":/opt/data"}, "sleep", "infinity")
	defer c.remove()
	if err != nil {
		return err
	}
	if err := c.waitFleet(ctx, fleetSize); err != nil {
		return err
	}
	b.report.add(row{What: fmt.Sprintf("%d gateways from docker run to all ready", fleetSize), Unit: "ms", Value: milliseconds(time.Since(begin)), Budget: 9000})

	gateway, supervision, err := memory(ctx, c)
	if err != nil {
		return err
	}
	b.report.add(
		row{What: fmt.Sprintf("memory (PSS) of one of %d gateways", fleetSize), Unit: "kB", Value: gateway},
		row{What: "  its supervision", Unit: "kB", Value: supervision},
		row{What: "  together", Unit: "kB", Value: gateway + supervision, Budget: 4 * 1024},
		row{What: "  of all", Unit: "MB", Value: fleetSize * (gateway + supervision) / 1024},
	)
	list, err := client[[]float64](ctx, c, "times", "11", "hermes", "gateway", "list")
	if err != nil {
		return err
	}
	b.report.add(row{What: fmt.Sprintf("gateway list of %d (p50)", fleetSize), Unit: "ms", Value: median(list), Budget: 100, Samples: list})
	if err := b.measureIdle(ctx, c); err != nil {
		return err
	}
	stop, err := client[[]float64](ctx, c, "times", "1", "hermes", "gateway", "stop", "--all")
	if err != nil {
		return err
	}
	b.report.add(row{What: fmt.Sprintf("stop --all of %d", fleetSize), Unit: "ms", Value: stop[0], Budget: 10000})
	return nil
}

// fleetVolume makes a volume with profiles. remove it when done.
func (b *bench) fleetVolume(ctx context.Context, size int) (name string, remove func(), err error) {
	r, err := must(ctx, "volume", "create", "--label", docker.Label)
	if err != nil {
		return "", func() {}, err
	}
	name = strings.TrimSpace(r.Stdout)
	remove = func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_ = docker.Do(ctx, nil, "volume", "rm", "-f", name)
	}
	_, err = must(ctx, "run", "--rm", "--label", docker.Label, "--network", "none", "-v", name+":/opt/data", "--user", "0",
		"--entrypoint", "sh", b.image, "-c", fillFleet, "sh", strconv.Itoa(size))
	return name, remove, err
}

// measureReconcile times the command that writes the slots, in a container where nothing else runs.
func (b *bench) measureReconcile(ctx context.Context, volume string) error {
	c, err := b.start(ctx, b.image, []string{"-v", volume + ":/opt/data", "--tmpfs", "/run:exec", "--entrypoint", "sh"},
		"-c", "mkdir /run/service && chown 10000:10000 /run/service && exec sleep infinity")
	defer c.remove()
	if err != nil {
		return err
	}
	took, err := client[[]float64](ctx, c, "times", "1", "hermes", "boot", "reconcile")
	if err != nil {
		return err
	}
	slots, err := c.exec(ctx, "sh", "-c", "ls -d /run/service/gateway-p* | wc -l")
	if err != nil {
		return err
	}
	if slots != strconv.Itoa(fleetSize) {
		return fmt.Errorf("reconcile made %s slots, want %d", slots, fleetSize)
	}
	b.report.add(row{What: fmt.Sprintf("reconcile of %d profiles, slots written", fleetSize), Unit: "ms", Value: took[0], Budget: 1000})
	return nil
}

// waitFleet returns when all of a fleet is ready.
func (c container) waitFleet(ctx context.Context, size int) error {
	ctx, cancel := context.WithTimeout(ctx, fleetTimeout)
	defer cancel()
	for {
		// s6-svwait fails as long as one of the slots has no supervisor.
		r := docker.Do(ctx, nil, "exec", "-u", "hermes", string(c), "sh", "-c",
			`set -- /run/service/gateway-p*; [ $# = `+strconv.Itoa(size)+` ] && exec s6-svwait -U -a -t 120000 "$@"`)
		switch {
		case r.Code == 0 && r.Err == nil:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("%d gateways are not ready after %s: %s", size, fleetTimeout, r)
		}
	}
}

// measureIdle adds the processor time of all processes while nothing happens.
func (b *bench) measureIdle(ctx context.Context, c container) error {
	// Fields 14 and 15 are user and system time in ticks of 10 ms, 16 and 17 those of children that ended (proc_pid_stat(5)).
	const ticks = `cat /proc/[0-9]*/stat 2>/dev/null | sed 's/.*) //' | awk '{ n += $12 + $13 } END { print n }'`
	used := func() (float64, error) {
		out, err := c.exec(ctx, "sh", "-c", ticks)
		if err != nil {
			return 0, err
		}
		return strconv.ParseFloat(out, 64)
	}
	before, err := used()
	if err != nil {
		return err
	}
	begin := time.Now()
	select {
	case <-time.After(idleFor):
	case <-ctx.Done():
		return ctx.Err()
	}
	after, err := used()
	if err != nil {
		return err
	}
	b.report.add(row{What: fmt.Sprintf("processor time of %d idle gateways, of one core", fleetSize), Unit: "%", Value: (after - before) / time.Since(begin).Seconds(), Budget: 2})
	return nil
}
