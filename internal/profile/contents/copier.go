package contents

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
	WhySpecial = "it is no plain file"
	WhyLink    = "it leads out of the profile, or to something that is not copied"
	WhyLocal   = "its name is one of locks, logs and other files of this volume"
	WhyDropped = "it belongs to the gateway that was exported"
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

// Leave is an error with which something is left out of a copy, and the copy goes on.
type Leave struct{ Why string }

// Error says why.
func (l Leave) Error() string { return l.Why }

// Unreadable makes an error of reading a file or a directory one that leaves it out.
func Unreadable(err error) error {
	var pe *fs.PathError
	switch {
	case errors.Is(err, volume.ErrNotRegular):
		return Leave{WhySpecial}
	case errors.As(err, &pe):
		err = pe.Err
	}
	return Leave{fmt.Sprintf("it cannot be read: %v", err)}
}

// Copier goes through a home for a copy of it.
type Copier struct {
	Home volume.Dir
	// Skip says what the copy is not to hold, before it is looked at. Without a reason it is passed over in silence.
	Skip func(rel string, p Part, d fs.DirEntry) (skip bool, why string)
	// Take copies one file, link or directory, a directory before what is in it. It may return Leave.
	Take func(rel string, p Part, d fs.DirEntry) error
	// LeftOut is what was left out so far.
	LeftOut []LeftOut
}

// Run calls Skip and Take for everything in the home, by name. It follows no links. What vanishes meanwhile is passed over.
func (c *Copier) Run() error {
	entries, err := c.Home.ReadDir(".")
	if err != nil {
		return err
	}
	return c.entries(".", entries)
}

func (c *Copier) entries(dir string, entries []fs.DirEntry) error {
	for _, d := range entries {
		rel := path.Join(dir, d.Name())
		err := c.entry(rel, d)
		var left Leave
		switch {
		case !errors.As(err, &left):
		case slices.Contains(Essential, rel):
			return fmt.Errorf("%s: %s", rel, left.Why)
		default:
			c.LeftOut = append(c.LeftOut, LeftOut{rel, left.Why})
			err = nil
		}
		if err != nil && !errors.Is(err, ErrVanished) {
			return err
		}
	}
	return nil
}

// ErrVanished tells that something is gone that was listed.
var ErrVanished = errors.New("it is gone")

func (c *Copier) entry(rel string, d fs.DirEntry) error {
	p := Of(rel)
	if p == Local {
		if Guessed(d.Name()) { // what is further down is never reached
			return Leave{WhyLocal}
		}
		return nil
	}
	switch skip, why := c.Skip(rel, p, d); {
	case skip && why != "":
		return Leave{why}
	case skip:
		return nil
	case !d.IsDir():
		return c.Take(rel, p, d)
	}
	// Before it is taken: a directory that cannot be read is left out as a whole.
	entries, err := c.Home.ReadDir(rel)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return Unreadable(err)
	}
	if err := c.Take(rel, p, d); err != nil {
		return err
	}
	return c.entries(rel, entries)
}

// Open opens a file whose beginning can be read. Errors are Leave and ErrVanished.
func (c *Copier) Open(rel string) (*os.File, fs.FileInfo, error) {
	f, err := c.Home.Open(rel)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, ErrVanished
	}
	if err != nil {
		return nil, nil, Unreadable(err)
	}
	info, err := f.Stat()
	if err == nil {
		if _, err = f.ReadAt(make([]byte, 1), 0); errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err != nil {
		f.Close()
		return nil, nil, Unreadable(err)
	}
	return f, info, nil
}

// CleanMode keeps whether a file can be run and by whom it can be read, and makes it its owner's.
func CleanMode(m fs.FileMode) fs.FileMode { return m.Perm()&^0o022 | 0o600 }
