package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"hermes/internal/profile"
	"hermes/internal/volume"
)

// Place says which logs are read.
type Place struct {
	// Root is HERMES_HOME.
	Root string
	// Files is Root as an opened directory. If it is the zero Dir, Root is opened.
	Files volume.Dir
	// Profile is the profile whose log is read. With All the logs of all profiles are read.
	Profile profile.Name
	All     bool
	// Zone is the zone of lines without a zone, which older versions wrote; nil is the machine's own zone.
	Zone *time.Location
}

// Query says which lines are wanted.
type Query struct {
	// Last is how many of the last lines are wanted; negative means all.
	Last int
	// Since, if it is not zero, leaves out older lines.
	Since time.Time
	// Begun, if not nil, is called by Follow at the moment from which on it misses no new line.
	Begun func()
}

// Sink takes lines in order, some at a time. If it returns an error, the reading ends.
type Sink func([]Line) error

// Warn is called for a log that cannot be read, while the others are read.
type Warn func(n profile.Name, err error)

// ErrNone reports that there is no log yet.
var ErrNone = errors.New("no log yet")

// dir returns the directory that holds all log directories (contract "On disk").
func (p Place) dir() string { return filepath.Join(p.Root, "logs", "gateways") }

// Dir returns the directory that is read.
func (p Place) Dir() string {
	if p.All {
		return p.dir()
	}
	return p.logDir(p.Profile)
}

func (p Place) logDir(n profile.Name) string { return filepath.Join(p.dir(), n.String()) }

// files returns the opened directory that holds all log directories.
func (p Place) files() volume.Dir {
	if p.Files.IsZero() {
		p.Files = volume.At(p.Root)
	}
	return p.Files.Sub("logs/gateways")
}

func (p Place) tail(n profile.Name) *tail {
	return &tail{profile: n, zone: p.Zone, dir: p.logDir(n), files: p.files().Sub(n.String())}
}

// names returns those profiles of the query that have a log directory.
func (p Place) names() ([]profile.Name, error) {
	if !p.All {
		if _, err := p.files().Lstat(p.Profile.String()); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return []profile.Name{p.Profile}, nil
	}
	entries, err := p.files().ReadDir(".")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []profile.Name
	for _, e := range entries {
		if n, err := profile.ParseName(e.Name()); err == nil {
			names = append(names, n)
		}
	}
	return names, nil
}

// Read passes on the lines that a query asks for. If there is no log at all, the error wraps ErrNone. If only one profile was asked
// for and its log cannot be read, that is an error; with All it is a warning.
func Read(p Place, q Query, sink Sink, warn Warn) error {
	names, err := p.names()
	if err != nil {
		return fmt.Errorf("cannot read the logs: %w", err)
	}
	var tails []*tail
	defer func() {
		for _, t := range tails {
			t.close()
		}
	}()
	broken := 0
	for _, n := range names {
		t := p.tail(n)
		t.final = true
		tails = append(tails, t)
		if err := begin(t, q); err != nil {
			if !p.All {
				return fmt.Errorf("cannot read the log: %w", err)
			}
			broken++
			warn(n, err)
		}
	}
	if !anything(tails) {
		if broken > 0 {
			return fmt.Errorf("cannot read any log in %s", p.dir())
		}
		return fmt.Errorf("%w in %s: a supervised gateway writes it", ErrNone, p.Dir())
	}
	return emit(tails, q, sink, warn)
}

// begin reads a log's directory for the first time and moves to where the query begins.
func begin(t *tail, q Query) error {
	err := t.look()
	if err == nil {
		err = t.seek(q)
	}
	if err != nil {
		t.close()
	}
	return err
}

func anything(tails []*tail) bool {
	for _, t := range tails {
		if t.active != nil || len(t.queue) > 0 || len(t.known) > 0 {
			return true
		}
	}
	return false
}

// emit passes on the lines that the tails have now.
func emit(tails []*tail, q Query, sink Sink, warn Warn) error {
	out := batches{sink: sink, last: q.Last}
	err := merge(tails, out.add, func(t *tail, err error) { warn(t.profile, err) })
	if err != nil {
		return err
	}
	return out.flush()
}

// Last returns the last n lines of the log in a directory. zone is the same as Place.Zone.
func Last(dir volume.Dir, n int, zone *time.Location) ([]Line, error) {
	return LastSince(dir, n, time.Time{}, zone)
}

// LastSince is Last without the lines that the logger got before since. A line without a time has the time of the line before.
func LastSince(dir volume.Dir, n int, since time.Time, zone *time.Location) ([]Line, error) {
	t := &tail{zone: zone, dir: dir.Path("."), files: dir, final: true}
	defer t.close()
	if err := begin(t, Query{Last: n}); err != nil {
		return nil, fmt.Errorf("cannot read the log: %w", err)
	}
	var lines []Line
	for {
		l, ok, err := t.next()
		if err != nil {
			return lines, fmt.Errorf("cannot read the log: %w", err)
		}
		if !ok {
			return lines, nil
		}
		if !l.at.Before(since) {
			lines = append(lines, l)
		}
	}
}
