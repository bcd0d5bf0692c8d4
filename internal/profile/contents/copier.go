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

// LeftOut is something that a profile has and its copy does not.
type LeftOut struct {
	Name string // relative to the home
	Why  string // such as "it may hold keys"
}

// The reasons for leaving something out. Other reasons are texts of the system or of the rules for archives.
const (
	WhySecret  = "it may hold keys"
	WhySpecial = "it is no plain file"
	WhyLink    = "it leads out of the profile, or to something that is not copied"
	WhyLocal   = "its name is one of locks, logs and other files of this volume"
	WhyDropped = "it belongs to the gateway that was exported"
)

// ByReason groups what was left out by reason, in the order in which the reasons came up.
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

// Leave is an error of Take that means: leave this out and go on with the copy.
type Leave struct{ Why string }

// Error says why.
func (l Leave) Error() string { return l.Why }

// Unreadable turns an error of reading a file or a directory into Leave, if it is about that file only.
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

// Copier walks through a home to copy it.
type Copier struct {
	Home volume.Dir
	// Skip says what the copy leaves out, without opening it. If why is "", it is not added to LeftOut.
	Skip func(rel string, p Part, d fs.DirEntry) (skip bool, why string)
	// Take copies one file, link or directory. A directory comes before its content. Take may return Leave.
	Take func(rel string, p Part, d fs.DirEntry) error
	// LeftOut is what has been left out so far.
	LeftOut []LeftOut
}

// Run calls Skip and Take for everything in the home, ordered by name. It follows no links and ignores what vanishes meanwhile.
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

// ErrVanished reports that a file has vanished since it was listed.
var ErrVanished = errors.New("it is gone")

func (c *Copier) entry(rel string, d fs.DirEntry) error {
	p := Of(rel)
	if p == Local {
		if Guessed(d.Name()) { // Run does not enter Local directories, so this name is at the top of the home
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
	// Read the directory before calling Take for it: a directory that cannot be read is left out with everything in it.
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

// Open opens a file and checks that its beginning can be read. Its errors are Leave and ErrVanished.
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

// CleanMode keeps the bits that say whether a file is executable and who may read it. It makes the file writable for its owner only.
func CleanMode(m fs.FileMode) fs.FileMode { return m.Perm()&^0o022 | 0o600 }
