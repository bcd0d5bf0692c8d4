package logs

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hermes/internal/profile"
)

// TestMain sets a local time that is neither UTC nor any of the zones in the tests.
func TestMain(m *testing.M) {
	time.Local = time.FixedZone("", -5*60*60)
	os.Exit(m.Run())
}

// home is a HERMES_HOME with log directories.
type home struct {
	t    *testing.T
	root string
}

func newHome(t *testing.T) home {
	t.Helper()
	return home{t, t.TempDir()}
}

func (h home) dir(name string) string { return filepath.Join(h.root, "logs", "gateways", name) }

// write creates or replaces a file in a log directory.
func (h home) write(name, file, content string) {
	h.t.Helper()
	if err := os.MkdirAll(h.dir(name), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(h.dir(name), file), []byte(content), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

func (h home) append(name, text string) {
	h.t.Helper()
	if err := os.MkdirAll(h.dir(name), 0o755); err != nil {
		h.t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(h.dir(name), currentName), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		h.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		h.t.Fatal(err)
	}
}

// rotate does what s6-log does: it renames current to previous and then to an archive. The next write makes a new current.
func (h home) rotate(name string, at time.Time) {
	h.t.Helper()
	h.rename(name, currentName, previousName)
	h.rename(name, previousName, archive(at))
}

func (h home) rename(name, from, to string) {
	h.t.Helper()
	if err := os.Rename(filepath.Join(h.dir(name), from), filepath.Join(h.dir(name), to)); err != nil {
		h.t.Fatal(err)
	}
}

func (h home) one(name string) Place {
	n, err := profile.ParseName(name)
	if err != nil {
		h.t.Fatal(err)
	}
	return Place{Root: h.root, Profile: n}
}

func (h home) all() Place { return Place{Root: h.root, All: true} }

func (h home) read(p Place, q Query) []string {
	h.t.Helper()
	var got []string
	err := Read(p, q, collect(&got, p.All), func(n profile.Name, err error) { h.t.Errorf("warning about %s: %v", n, err) })
	if err != nil {
		h.t.Fatal(err)
	}
	return got
}

// collect returns a Sink that gathers the texts, with the profile before each if prefix is true.
func collect(into *[]string, prefix bool) Sink {
	return func(lines []Line) error {
		for _, l := range lines {
			text := l.Text
			if prefix {
				text = l.Profile.String() + ":" + text
			}
			*into = append(*into, text)
		}
		return nil
	}
}

// archive returns the name of a file that was closed at a time.
func archive(at time.Time) string {
	var b [12]byte
	secs := uint64(at.Unix())&^(3<<62) | 1<<62
	for i := range 8 {
		b[i] = byte(secs >> (56 - 8*i))
	}
	nanos := at.Nanosecond()
	for i := range 4 {
		b[8+i] = byte(nanos >> (24 - 8*i))
	}
	return "@" + hex.EncodeToString(b[:]) + ".s"
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// stamped returns a line as the logger writes it.
func stamped(at time.Time, text string) string {
	return at.UTC().Format(stampLayout) + "  UTC " + text + "\n"
}

// minutes returns lines, one per minute, whose texts are their numbers.
func minutes(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		b.WriteString(stamped(noon.Add(time.Duration(i)*time.Minute), fmt.Sprint("line ", i)))
	}
	return b.String()
}

func numbers(from, to int) []string {
	var all []string
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprint("line ", i))
	}
	return all
}

func minute(i int) time.Time { return noon.Add(time.Duration(i) * time.Minute) }
