package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// settle is how long a gateway is left alone before it counts as idle: its start has then
// been collected and its memory given back.
const settle = 5 * time.Second

// process is what this needs of `testclient ps`.
type process struct {
	PID     int
	PPID    int
	Comm    string
	Cmdline []string
}

// measureMemory adds the proportional set size of an idle gateway, alone and as one of many,
// without and with what supervises it: two s6-supervise and one s6-log.
func measureMemory(ctx context.Context, b *bench) error {
	c, err := b.startGateway(ctx)
	defer c.remove()
	if err != nil {
		return err
	}
	gateway, supervision, err := memory(ctx, c)
	if err != nil {
		return err
	}
	b.report.add(
		row{What: "memory (PSS) of the only gateway", Unit: "kB", Value: gateway},
		row{What: "  its supervision", Unit: "kB", Value: supervision},
		row{What: "  together", Unit: "kB", Value: gateway + supervision, Budget: 6 * 1024},
	)
	for i := range b.profiles - 1 {
		name := fmt.Sprintf("p%d", i)
		if _, err := c.exec(ctx, "hermes", "profile", "create", name); err != nil {
			return err
		}
		if _, err := c.exec(ctx, "hermes", "-p", name, "gateway", "start"); err != nil {
			return err
		}
	}
	gateway, supervision, err = memory(ctx, c)
	if err != nil {
		return err
	}
	b.report.add(
		row{What: fmt.Sprintf("memory (PSS) of one of %d gateways", b.profiles), Unit: "kB", Value: gateway},
		row{What: "  its supervision", Unit: "kB", Value: supervision},
		row{What: "  together", Unit: "kB", Value: gateway + supervision, Budget: 6 * 1024},
	)
	return nil
}

// memory returns the mean of the gateways' memory, and of what supervises one of them.
func memory(ctx context.Context, c container) (gateway, supervision float64, err error) {
	select {
	case <-time.After(settle):
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	}
	processes, err := client[[]process](ctx, c, "ps")
	if err != nil {
		return 0, 0, err
	}
	var gateways, supervisors, embedded []string
	for _, p := range processes {
		line := strings.Join(p.Cmdline, " ")
		// Not the init, which names the container's command; not the dashboard's slot.
		switch {
		case p.Comm == "hermes" && strings.Contains(line, "gateway run --replace"):
			gateways = append(gateways, strconv.Itoa(p.PID))
		case p.Comm == "s6-supervise" && strings.Contains(line, "gateway-"),
			p.Comm == "s6-log" && strings.Contains(line, "gateways/"):
			supervisors = append(supervisors, strconv.Itoa(p.PID))
		case p.Comm == "hermes" && len(p.Cmdline) > 1 && p.Cmdline[1] == "up": // with the small parent that is PID 1
			embedded = append(embedded, strconv.Itoa(p.PID))
		}
	}
	if len(embedded) == 2 && len(supervisors) == 0 {
		supervisors = embedded
	} else if len(gateways) == 0 || len(supervisors) != 3*len(gateways) {
		return 0, 0, fmt.Errorf("found %d gateways and %d processes that supervise them among %d", len(gateways), len(supervisors), len(processes))
	}
	all, err := client[[]struct {
		PID int `json:"pid"`
		KB  int `json:"pss_kb"`
	}](ctx, c, append([]string{"pss"}, append(gateways, supervisors...)...)...)
	if err != nil {
		return 0, 0, err
	}
	for _, p := range all {
		if slices.Contains(gateways, strconv.Itoa(p.PID)) {
			gateway += float64(p.KB)
		} else {
			supervision += float64(p.KB)
		}
	}
	n := float64(len(gateways))
	return gateway / n, supervision / n, nil
}
