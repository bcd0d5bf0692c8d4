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
	"hermes/internal/localtime"
	"hermes/internal/logs"
	"hermes/internal/profile"
)

// defaultLogLines is how many lines logs shows first.
const defaultLogLines = 50

func (a *app) gatewayLogsCommand() *cobra.Command {
	var follow, all, raw bool
	var lines int
	var since string
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
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := logs.Query{Last: lines}
			if lines < 0 {
				return &usageError{fmt.Errorf("invalid -n %d: want 0 or more", lines)}
			}
			if since != "" {
				t, err := logs.ParseSince(since, time.Now(), a.zone())
				if err != nil {
					return &usageError{err}
				}
				q.Since = t
				if !cmd.Flags().Changed("lines") {
					q.Last = -1
				}
			}
			place, err := a.logPlace(all)
			if err != nil {
				return err
			}
			out := a.Out
			if raw {
				out = a.raw.Out
			}
			out = &interruptibleWriter{cmd.Context(), out}
			sink := a.logSink(out, place.All, raw)
			if follow {
				return a.follow(cmd.Context(), place, q, sink)
			}
			return logs.Read(place, q, sink, a.logWarn)
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on as the log grows, until Ctrl-C")
	cmd.Flags().IntVarP(&lines, "lines", "n", defaultLogLines, "how many lines to show first")
	cmd.Flags().StringVar(&since, "since", "", "show lines from this `TIME` on: 10m, 2h or 3d ago, or 2026-11-23T10:00")
	cmd.Flags().BoolVar(&raw, "raw", false, "print lines as they are, also what a terminal obeys")
	cmd.Flags().BoolVar(&all, "all", false, "show the logs of all profiles, by time, each line with its profile")
	return cmd
}

func (a *app) logPlace(all bool) (logs.Place, error) {
	store, err := a.store()
	if err != nil {
		return logs.Place{}, err
	}
	n, err := a.name()
	if err != nil {
		return logs.Place{}, err
	}
	if all {
		if a.profile != "" {
			return logs.Place{}, &usageError{errors.New("-p names one profile and --all means every profile: leave out one of them")}
		}
		return logs.Place{Root: store.Root(), All: true, Zone: a.zone()}, nil
	}
	_, err = store.Get(n)
	return logs.Place{Root: store.Root(), Profile: n, Zone: a.zone()}, err
}

// zone is the local time zone.
func (a *app) zone() *time.Location { return localtime.Zone(a.getenv("TZ")) }

// follow shows what a query asks for and goes on until ctx or Ctrl-C ends it.
func (a *app) follow(ctx context.Context, place logs.Place, q logs.Query, sink logs.Sink) error {
	shown, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	err := logs.Follow(shown, place, q, sink, a.logWarn, func() {
		fmt.Fprintln(a.Err, place.Waiting())
	})
	var ended *gateway.SignalError
	if errors.As(context.Cause(ctx), &ended) && ended.Signal == os.Interrupt {
		return nil // that is how one ends it
	}
	return cmp.Or(err, context.Cause(ctx))
}

func (a *app) logWarn(n profile.Name, err error) {
	fmt.Fprintf(a.Err, "cannot read the log of '%s': %v\n", n, err)
}

// logSink prints lines, for people or for programs.
func (a *app) logSink(out io.Writer, prefix, raw bool) logs.Sink {
	zone := a.zone()
	return func(lines []logs.Line) error {
		w := bufio.NewWriterSize(out, 32<<10)
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		for _, l := range lines {
			if a.format == "json" {
				if err := enc.Encode(l); err != nil {
					return err
				}
				continue
			}
			text := l.Raw()
			if !raw {
				text = l.Shown(zone)
			}
			if prefix {
				text = "[" + l.Profile.String() + "] " + text
			}
			fmt.Fprintln(w, text)
		}
		return w.Flush()
	}
}

// followLog follows the log of one profile.
func (a *app) followLog(ctx context.Context, h profile.Home, lines int) error {
	place := logs.Place{Root: h.Root, Profile: h.Name, Zone: a.zone()}
	return a.follow(ctx, place, logs.Query{Last: lines}, a.logSink(a.Out, false, false))
}
