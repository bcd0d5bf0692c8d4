package profile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	"hermes/internal/volume"
)

// LeftOut is something of a profile that a copy of it does not hold.
type LeftOut struct {
	Name string // relative to the home
	Why  string // such as "it may hold keys"
}

// The reasons why a copy leaves something out. Others name what the system, or a rule of archives, has against it.
const (
	WhySecret  = "it may hold keys"
	whySpecial = "it is no plain file"
	whyLink    = "it leads out of the profile, or to something that is not copied"
	whyLocal   = "its name is one of locks, logs and other files of this volume"
	whyDropped = "it belongs to the gateway that was exported"
)

// ByReason gathers what was left out for the same reason, in the order in which the reasons came up.
func ByReason(all []LeftOut) (reasons []string, names map[string][]string) {
	names = map[string][]string{}
	for _, l := range all {
		if names[l.Why] == nil {
			reasons = append(reasons, l.Why)
		}
		names[l.Why] = append(names[l.Why], l.Name)
	}
	return reasons, names
}

// leave is an error with which something is left out of a copy, and the copy goes on.
type leave struct{ why string }

func (l leave) Error() string { return l.why }

// unreadable makes an error of reading a file or a directory one that leaves it out.
func unreadable(err error) error {
	var pe *fs.PathError
	switch {
	case errors.Is(err, volume.ErrNotRegular):
		return leave{whySpecial}
	case errors.As(err, &pe):
		err = pe.Err
	}
	return leave{fmt.Sprintf("it cannot be read: %v", err)}
}

// copier goes through a home for a copy of it.
type copier struct {
	home volume.Dir
	// skip says what the copy is not to hold, before it is looked at. Without a reason it is passed over in silence.
	skip func(rel string, p part, d fs.DirEntry) (skip bool, why string)
	// take copies one file, link or directory, a directory before what is in it. It may return leave.
	take    func(rel string, p part, d fs.DirEntry) error
	leftOut []LeftOut
}

// run calls skip and take for everything in the home, by name. It follows no links. What vanishes meanwhile is passed over.
func (c *copier) run() error {
	entries, err := c.home.ReadDir(".")
	if err != nil {
		return err
	}
	return c.entries(".", entries)
}

func (c *copier) entries(dir string, entries []fs.DirEntry) error {
	for _, d := range entries {
		rel := path.Join(dir, d.Name())
		err := c.entry(rel, d)
		var left leave
		switch {
		case !errors.As(err, &left):
		case slices.Contains(essential, rel):
			return fmt.Errorf("%s: %s", rel, left.why)
		default:
			c.leftOut = append(c.leftOut, LeftOut{rel, left.why})
			err = nil
		}
		if err != nil && !errors.Is(err, errVanished) {
			return err
		}
	}
	return nil
}

var errVanished = errors.New("it is gone")

func (c *copier) entry(rel string, d fs.DirEntry) error {
	p := partOf(rel)
	if p == partLocal {
		if guessed(d.Name()) { // what is further down is never reached
			return leave{whyLocal}
		}
		return nil
	}
	switch skip, why := c.skip(rel, p, d); {
	case skip && why != "":
		return leave{why}
	case skip:
		return nil
	case !d.IsDir():
		return c.take(rel, p, d)
	}
	// Before it is taken: a directory that cannot be read is left out as a whole.
	entries, err := c.home.ReadDir(rel)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return unreadable(err)
	}
	if err := c.take(rel, p, d); err != nil {
		return err
	}
	return c.entries(rel, entries)
}

// open opens a file whose beginning can be read. Errors are leave and errVanished.
func (c *copier) open(rel string) (*os.File, fs.FileInfo, error) {
	f, err := c.home.Open(rel)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, errVanished
	}
	if err != nil {
		return nil, nil, unreadable(err)
	}
	info, err := f.Stat()
	if err == nil {
		if _, err = f.ReadAt(make([]byte, 1), 0); errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err != nil {
		f.Close()
		return nil, nil, unreadable(err)
	}
	return f, info, nil
}
