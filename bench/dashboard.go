package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	dashboardLogin   = "bench:bench"
	dashboardAddress = "127.0.0.1:9119"
	// clients is how many ask for pages at once, viewers how many keep a page open.
	clients, viewers = 20, 50
	// watchedFor is how long the dashboard's processor time is counted.
	watchedFor = 20 * time.Second
)

// measureDashboard adds what the dashboard takes for fleets of three sizes.
func measureDashboard(ctx context.Context, b *bench) error {
	for _, fleet := range []struct {
		profiles int
		overview float64 // the budget of an answer, in ms
	}{{10, 0}, {200, 25}, {fleetSize, 60}} {
		if err := b.measureDashboardOf(ctx, fleet.profiles, fleet.overview); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) measureDashboardOf(ctx context.Context, n int, budget float64) error {
	volume, remove, err := b.fleetVolume(ctx, n)
	defer remove()
	if err != nil {
		return err
	}
	c, err := b.start(ctx, b.image, []string{"-v", volume + ":/opt/data", "-e", "HERMES_DASHBOARD=1", "-e", "HERMES_DASHBOARD_BASIC_AUTH_USERNAME=bench",
		"-e", "HERMES_DASHBOARD_BASIC_AUTH_PASSWORD=bench"}, "sleep", "infinity")
	defer c.remove()
	if err != nil {
		return err
	}
	if err := c.waitFleet(ctx, n); err != nil {
		return err
	}
	if err := c.waitReady(ctx, "/run/service/dashboard"); err != nil {
		return err
	}
	// The first login is hashed, which takes its time by design.
	if _, err := client[[]float64](ctx, c, "load", "1", "1", "http://"+dashboardAddress+"/", dashboardLogin); err != nil {
		return err
	}
	for _, page := range [][2]string{{"/", "overview"}, {"/metrics", "metrics"}} {
		path, what := page[0], page[1]
		answers, err := client[[]float64](ctx, c, "load", strconv.Itoa(clients), "2000", "http://"+dashboardAddress+path, dashboardLogin)
		if err != nil {
			return err
		}
		b.report.add(
			row{What: fmt.Sprintf("dashboard: %s of %d, %d clients at once (p50)", what, n, clients), Unit: "ms", Value: median(answers), Samples: answers},
			row{What: "  (p99)", Unit: "ms", Value: percentile(answers, 99), Budget: budget},
		)
	}
	// Two deaths of each: one that dies more often has to wait, by design.
	var delays []float64
	for i := range 10 {
		some, err := client[[]float64](ctx, c, "delay", "2", dashboardAddress, dashboardLogin, fmt.Sprintf("p%d", i))
		if err != nil {
			return err
		}
		delays = append(delays, some...)
	}
	b.report.add(
		row{What: fmt.Sprintf("dashboard: kill -9 to the event, of %d (p50)", n), Unit: "ms", Value: median(delays), Samples: delays},
		row{What: "  (p99)", Unit: "ms", Value: percentile(delays, 99)},
	)
	return b.measureDashboardIdle(ctx, c, n)
}

// measureDashboardIdle adds the dashboard's memory, and its processor time with nobody and with viewers looking.
func (b *bench) measureDashboardIdle(ctx context.Context, c container, n int) error {
	pid, err := c.exec(ctx, "s6-svstat", "-o", "pid", "/run/service/dashboard")
	if err != nil {
		return err
	}
	used := func() (ticks float64, err error) {
		out, err := c.exec(ctx, "sh", "-c", "sed 's/.*) //' /proc/"+pid+"/stat | awk '{ print $12 + $13 }'")
		if err != nil {
			return 0, err
		}
		return strconv.ParseFloat(out, 64)
	}
	during := func(streams int) (percent float64, err error) {
		wait := []string{"sleep", fmt.Sprint(watchedFor.Seconds())}
		if streams > 0 {
			wait = append([]string{"/testclient", "streams", strconv.Itoa(streams), dashboardAddress, "/events", dashboardLogin, ""}, wait...)
		}
		before, err := used()
		if err != nil {
			return 0, err
		}
		begin := time.Now()
		if _, err := c.exec(ctx, wait...); err != nil {
			return 0, err
		}
		after, err := used()
		return (after - before) / time.Since(begin).Seconds(), err
	}
	nobody, err := during(0)
	if err != nil {
		return err
	}
	many, err := during(viewers)
	if err != nil {
		return err
	}
	out, err := c.exec(ctx, "awk", "/^Pss:/ { print $2 }", "/proc/"+pid+"/smaps_rollup")
	if err != nil {
		return err
	}
	memory, err := strconv.ParseFloat(strings.TrimSpace(out), 64)
	b.report.add(
		row{What: fmt.Sprintf("dashboard: processor time for %d idle gateways, nobody looks", n), Unit: "%", Value: nobody},
		row{What: fmt.Sprintf("  %d streams", viewers), Unit: "%", Value: many},
		row{What: fmt.Sprintf("dashboard: memory (PSS) with %d profiles, after all that", n), Unit: "kB", Value: memory},
	)
	return err
}
