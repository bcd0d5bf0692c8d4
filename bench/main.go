// Bench measures the image against its budgets (make bench). It prints a table and writes
// bench.json. Where a peer exists it is measured in the same run, in turn with the image,
// because machines differ and are shared: compare the two, absolute figures only orient.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"

	"hermes/test/container/docker"
)

// A measurement adds its rows to the report.
type measurement struct {
	name string
	run  func(ctx context.Context, b *bench) error
}

var measurements = []measurement{
	{"run", measureRun},
	{"stop", measureStop},
	{"restart", measureRestart},
	{"memory", measureMemory},
	{"commands", measureCommands},
	{"size", measureSize},
	{"fleet", measureFleet},
	{"dashboard", measureDashboard},
	{"embedded", measureEmbedded},
}

// bench is one run: what is measured, with what, and the report.
type bench struct {
	image      string
	peer       string // a plain image without an init
	testClient string
	runs       int
	kills      int
	profiles   int
	report     report
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := measure(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "✗", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context) error {
	b := bench{image: docker.Image()}
	only := flag.String("only", ".", "a `regexp`: which of run, stop, restart, memory, commands, size, fleet, dashboard, embedded")
	out := flag.String("o", "bench.json", "the `file` for the figures")
	flag.StringVar(&b.peer, "peer", "debian:trixie-slim", "an `image` without an init")
	flag.IntVar(&b.runs, "runs", 15, "how often a container is run, or stopped")
	flag.IntVar(&b.kills, "kills", 50, "how often a gateway is killed")
	flag.IntVar(&b.profiles, "profiles", 10, "how many gateways share the memory of the second memory figure")
	flag.Parse()
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return err
	}

	for _, image := range []string{b.image, b.peer} {
		if err := docker.Check(ctx, image); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "hermes-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if b.testClient, err = docker.BuildTestClient(ctx, dir); err != nil {
		return err
	}

	var failed []error
	b.report.Image, b.report.When = b.image, time.Now().UTC().Truncate(time.Second)
	for _, m := range measurements {
		if !wanted.MatchString(m.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "measuring %s\n", m.name)
		if err := m.run(ctx, &b); err != nil {
			// What was measured is worth showing all the same.
			failed = append(failed, fmt.Errorf("cannot measure %s: %w", m.name, err))
		}
	}
	b.report.print(os.Stdout)
	return errors.Join(append(failed, b.report.write(*out))...)
}
