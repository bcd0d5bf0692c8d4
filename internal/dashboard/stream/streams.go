package stream

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"hermes/internal/dashboard/backend"
	"hermes/internal/fleet"
	"hermes/internal/logs"
	"hermes/internal/profile"
)

const (
	// quietest is after how long without an event a comment is sent, so that no proxy takes the connection for dead.
	quietest = 25 * time.Second
	// fastest is the pause between two events about gateways: nobody can read a page that changes more often.
	fastest = 80 * time.Millisecond
	// batchEvery is the pause between two events about a log. Lines that come within it are sent together.
	batchEvery = 100 * time.Millisecond
	// batchLines is how many lines of what a log gets at once are sent. The lines before them are left out: nobody can read that fast.
	batchLines = 1000
)

// ErrEnd ends a stream, if a function that sends returns it. It is not reported.
var ErrEnd = errors.New("the stream is over")

// Streams serve requests for streams of events.
type Streams struct {
	fleet   *fleet.Fleet
	logs    backend.Logs
	closing <-chan struct{}
	log     *slog.Logger
}

// New returns the streams of one dashboard. All of them end when closing is closed.
func New(b *backend.Backend, closing <-chan struct{}, log *slog.Logger) *Streams {
	return &Streams{fleet: b.Fleet, logs: b.Logs, closing: closing, log: log}
}

// Gateways serves a stream of what changes about gateways. It calls send with the present snapshot and then with newer ones, until the
// visitor is gone. If snapshots come fast, some are left out. Meanwhile the fleet counts one more visitor who looks.
func (s *Streams) Gateways(w http.ResponseWriter, r *http.Request, send func(*Events, *fleet.Snapshot) error) {
	defer s.fleet.View()()
	s.ended(r, s.followGateways(r.Context(), begin(w), send))
}

func (s *Streams) followGateways(ctx context.Context, out *Events, send func(*Events, *fleet.Snapshot) error) error {
	if err := out.idle(); err != nil { // the browser now knows that it is connected
		return err
	}
	quiet := time.NewTicker(quietest)
	defer quiet.Stop()
	for {
		snap := s.fleet.Snapshot()
		if err := send(out, snap); err != nil {
			return err
		}
		wait := time.After(fastest)
		for outdated := false; !outdated; {
			select {
			case <-ctx.Done():
				return nil
			case <-s.closing:
				return nil
			case <-quiet.C:
				if err := out.idle(); err != nil {
					return err
				}
			case <-snap.Outdated():
				outdated = true
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wait:
		}
	}
}

// ended logs why a stream ended, if the visitor did not end it.
func (s *Streams) ended(r *http.Request, err error) {
	if err != nil && !errors.Is(err, ErrEnd) && r.Context().Err() == nil {
		s.log.Debug("a stream of events ended", "path", r.URL.Path, "error", err)
	}
}

// SendLines sends lines of a log. first tells that they are those that the log had when the stream began.
type SendLines func(ctx context.Context, out *Events, first bool, lines []logs.Line) error

// Log serves a stream of a gateway's log, of those lines that the request's query asks for. It calls send once with the last lines that
// there are, then with each new one, until the visitor is gone.
func (s *Streams) Log(w http.ResponseWriter, r *http.Request, n profile.Name, send SendLines) {
	q := backend.ParseLogQuery(r.URL.Query())
	ctx, stop := context.WithCancel(r.Context())
	fresh := make(chan []logs.Line)
	ended := make(chan error, 1)
	begun := make(chan struct{})
	go func() {
		ended <- s.logs.Follow(ctx, n, func() { close(begun) }, func(some []logs.Line) error {
			select {
			case fresh <- some:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	defer func() {
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			s.log.Warn("cannot follow a log", "profile", n, "error", err)
		}
	}()
	// First the new lines are watched for, then the present ones are read, so that none between them is lost. sendLog leaves out
	// those that are in both.
	select {
	case <-begun:
	case err := <-ended:
		ended <- err
	case <-ctx.Done():
	}
	s.ended(r, s.sendLog(ctx, begin(w), n, q, fresh, send))
}

func (s *Streams) sendLog(ctx context.Context, out *Events, n profile.Name, q backend.LogQuery, fresh <-chan []logs.Line, send SendLines) error {
	lines, err := s.logs.Tail(n, q)
	if err != nil {
		return err
	}
	sent := make(map[string]bool, len(lines))
	for _, l := range lines {
		sent[l.Raw()] = true
	}
	quiet := time.NewTicker(quietest)
	defer quiet.Stop()
	for first := true; ; {
		if first || len(lines) > 0 {
			if err := send(ctx, out, first, lines); err != nil {
				return err
			}
			first, lines = false, lines[:0]
			if !sleep(ctx, batchEvery) {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.closing:
			return nil
		case <-quiet.C:
			if err := out.idle(); err != nil {
				return err
			}
		case some := <-fresh:
			for _, l := range some[max(0, len(some)-batchLines):] {
				if q.Matches(l) && !sent[l.Raw()] {
					lines = append(lines, l)
					sent = nil // lines that were read and are new as well come before all others
				}
			}
		}
	}
}

// sleep waits for a time. It returns false if ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
