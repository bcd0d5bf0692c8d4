package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/nxadm/tail"
	"github.com/spf13/cobra"

	"hermes/internal/profile"
	"hermes/internal/volume"
)

func (a *app) gatewayLogsCommand() *cobra.Command {
	var follow bool
	var lines int
	cmd := &cobra.Command{
		Use:   "logs",
		Short: "Show a gateway's log",
		Example: `  hermes gateway logs -n 100
  hermes -p coder gateway logs -f`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if lines < 0 {
				return &usageError{fmt.Errorf("invalid -n %d: want 0 or more", lines)}
			}
			home, err := a.home()
			if err != nil {
				return err
			}
			if follow {
				return a.followLog(cmd.Context(), home, lines)
			}
			last, err := lastLines(home.LogDir(), lines)
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("no log yet: %s does not exist; a supervised gateway writes it", currentLog(home))
			}
			for _, line := range last {
				fmt.Fprintln(a.Out, line)
			}
			return err
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on as the log grows, until Ctrl-C")
	cmd.Flags().IntVarP(&lines, "lines", "n", 50, "how many lines to show first")
	return cmd
}

func currentLog(h profile.Home) string { return filepath.Join(h.LogDir(), "current") }

// followLog shows the last lines of a log and goes on until ctx or Ctrl-C ends it, also
// across rotations.
func (a *app) followLog(ctx context.Context, h profile.Home, lines int) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	last, err := lastLines(h.LogDir(), lines)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, line := range last {
		fmt.Fprintln(a.Out, line)
	}
	start := &tail.SeekInfo{Whence: io.SeekEnd}
	if err != nil {
		start = nil // not there yet: everything that comes is new
	}
	t, err := tail.TailFile(currentLog(h), tail.Config{Follow: true, ReOpen: true, Location: start, Logger: tail.DiscardingLogger})
	if err != nil {
		return fmt.Errorf("cannot follow the log: %w", err)
	}
	defer t.Cleanup()
	for {
		select {
		case <-ctx.Done():
			return t.Stop()
		case line, ok := <-t.Lines:
			if !ok {
				return t.Err()
			}
			fmt.Fprintln(a.Out, line.Text)
		}
	}
}

// tailBytes is how much of a log is read to find its last lines; a log file has at most 1 MB.
const tailBytes = 1 << 20

// lastLines returns the last n lines of the current log file in a directory.
func lastLines(dir string, n int) ([]string, error) {
	f, err := volume.Open(filepath.Join(dir, "current"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > tailBytes {
		if _, err := f.Seek(-tailBytes, io.SeekEnd); err != nil {
			return nil, fmt.Errorf("cannot read the log: %w", err)
		}
	}
	data, err := io.ReadAll(io.LimitReader(f, 2*tailBytes))
	if err != nil {
		return nil, fmt.Errorf("cannot read the log: %w", err)
	}
	data = bytes.TrimSuffix(data, []byte("\n"))
	if len(data) == 0 || n == 0 {
		return nil, nil
	}
	lines := strings.Split(string(data), "\n")
	return lines[max(0, len(lines)-n):], nil
}
