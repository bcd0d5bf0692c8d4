package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/spf13/cobra"

	"hermes/internal/gateway"
	"hermes/internal/logs"
	"hermes/internal/profile"
)

// defaultLogLines is how many lines `gateway logs` shows first without -n.
const defaultLogLines = 50

// gatewayLogsOptions is what `gateway logs` is told.
type gatewayLogsOptions struct {
	app    *app
	follow bool
	all    bool
	raw    bool
	lines  int
	since  string
}

func gatewayLogsCommand(a *app) *cobra.Command {
	o := gatewayLogsOptions{app: a}
	cmd := &cobra.Command{
		Use:   "logs",
		Short: "Show a gateway's log",
		Long: `logs shows the last lines of a gateway's log, from its rotated files too, with the time at which the logger got
each line, as local time with its offset. --since shows all lines from a time on; together with -n the last ones of them.

A time without an offset is a local time. The local time zone is that of the variable TZ, else the machine's.

On a terminal, control characters are left out. With --format json each line is an object {profile, time, line} whose time is
UTC; --raw shows lines as they stand in the file.`,
		Example: `  hermes gateway logs -n 100
  hermes -p coder gateway logs -f
  hermes gateway logs --all --since 10m
  hermes gateway logs --since 2026-11-23T10:00`,
		Annotations: map[string]string{staysRoot: "yes"},
		Args:        noArgs,
		RunE:        o.run,
	}
	cmd.Flags().BoolVarP(&o.follow, "follow", "f", false, "go on as the log grows, until Ctrl-C")
	cmd.Flags().IntVarP(&o.lines, "lines", "n", defaultLogLines, "how many lines to show first")
	cmd.Flags().StringVar(&o.since, "since", "", "show lines from this `TIME` on: 10m, 2h or 3d ago, or 2026-11-23T10:00")
	cmd.Flags().BoolVar(&o.raw, "raw", false, "print lines as they are, also what a terminal obeys")
	cmd.Flags().BoolVar(&o.all, "all", false, "show the logs of all profiles, by time, each line with its profile")
	return cmd
}

// run shows the lines that are there, and with -f those that are written from then on.
func (o *gatewayLogsOptions) run(cmd *cobra.Command, _ []string) error {
	a, ctx := o.app, cmd.Context()
	q := logs.Query{Last: o.lines}
	if o.lines < 0 {
		return &usageError{fmt.Errorf("invalid -n %d: want 0 or more", o.lines)}
	}
	if o.since != "" {
		t, err := logs.ParseSince(o.since, time.Now(), a.zone())
		if err != nil {
			return &usageError{err}
		}
		q.Since = t
		if !cmd.Flags().Changed("lines") {
			q.Last = -1
		}
	}
	place, err := o.place()
	if err != nil {
		return err
	}
	out := a.Out
	if o.raw {
		out = a.raw.Out
	}
	out = &interruptibleWriter{ctx, out}
	if o.follow {
		return o.followLogs(ctx, place, q, out)
	}
	return logs.Read(place, q, o.sink(out), o.warn)
}

// place returns where the log of -p is, or where the logs of all profiles are.
func (o *gatewayLogsOptions) place() (logs.Place, error) {
	a := o.app
	profiles, err := a.profiles()
	if err != nil {
		return logs.Place{}, err
	}
	n, err := a.name()
	if err != nil {
		return logs.Place{}, err
	}
	if o.all {
		if a.profile != "" {
			return logs.Place{}, &usageError{errors.New("-p names one profile and --all means every profile: leave out one of them")}
		}
		return logs.Place{Root: profiles.Root(), All: true, Zone: a.zone()}, nil
	}
	_, err = profiles.Get(n)
	return logs.Place{Root: profiles.Root(), Profile: n, Zone: a.zone()}, err
}

// followLogs shows what a query asks for and goes on as the logs grow, until ctx or Ctrl-C ends it.
func (o *gatewayLogsOptions) followLogs(ctx context.Context, place logs.Place, q logs.Query, out io.Writer) error {
	shown, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	err := logs.Follow(shown, place, q, o.sink(out), o.warn, func() {
		fmt.Fprintln(o.app.Err, place.Waiting())
	})
	var ended *gateway.SignalError
	if errors.As(context.Cause(ctx), &ended) && ended.Signal == os.Interrupt {
		return nil // Ctrl-C is how people end it, so it is no failure
	}
	return cmp.Or(err, context.Cause(ctx))
}

// followLog shows the last lines of a profile's log and goes on as the log grows, until ctx or Ctrl-C ends it.
func followLog(ctx context.Context, a *app, h profile.Home, lines int) error {
	o := gatewayLogsOptions{app: a}
	place := logs.Place{Root: h.Root, Profile: h.Name, Zone: a.zone()}
	return o.followLogs(ctx, place, logs.Query{Last: lines}, a.Out)
}

// warn says that a log cannot be read.
func (o *gatewayLogsOptions) warn(n profile.Name, err error) {
	fmt.Fprintf(o.app.Err, "cannot read the log of '%s': %v\n", n, err)
}

// sink returns what prints lines to out: text for people, or an object per line with --format json. With --all each line begins with
// the name of its profile.
func (o *gatewayLogsOptions) sink(out io.Writer) logs.Sink {
	zone, asJSON := o.app.zone(), o.app.format == "json"
	return func(lines []logs.Line) error {
		w := bufio.NewWriterSize(out, 32<<10)
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		for _, l := range lines {
			if asJSON {
				if err := enc.Encode(l); err != nil {
					return err
				}
				continue
			}
			text := l.Raw()
			if !o.raw {
				text = l.Shown(zone)
			}
			if o.all {
				text = "[" + l.Profile.String() + "] " + text
			}
			fmt.Fprintln(w, text)
		}
		return w.Flush()
	}
}
