// Package archive writes a profile into a file, and makes one from such a file.
package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"strings"
	"unicode"
	"unicode/utf8"

	"hermes/internal/profile"
	"hermes/internal/profile/config"
	"hermes/internal/profile/contents"
	"hermes/internal/volume"
)

// The rules of what an archive may hold, for both ends: an import refuses the rest, an export leaves it out and says so, or
// is refused itself where a profile is not whole without it. What an export writes can therefore be imported.

// Limits bound what an archive may unpack to: whoever made it may mean harm.
type Limits struct {
	// Entries is how many files, directories and links may be made, those directories included that no entry names and that
	// lie on the way to one. Each takes a block of the volume: 4 kB mostly.
	Entries int
	File    int64 // bytes of one file
	Total   int64 // bytes of the unpacked archive
	// Ratio is how many times the archive's own size it may unpack to. It counts from RatioFrom bytes
	// on: a small archive may well be mostly zeros.
	Ratio     int64
	RatioFrom int64
}

// DefaultLimits are far above what a profile is: tens of files and, after years, some GB of memory.
func DefaultLimits() Limits {
	return Limits{Entries: 100_000, File: 8 << 30, Total: 16 << 30, Ratio: 250, RatioFrom: 64 << 20}
}

const (
	// maxWindow is how much memory an archive may make us keep for its back references. Archives of ours use it too.
	maxWindow = 8 << 20
	// maxPath bounds a name in an archive, maxDepth its directories.
	maxPath  = 1024
	maxDepth = 128
)

// Error reports an archive that is refused, or broken. Nothing of it remains.
type Error struct {
	Entry string // the name in the archive; "" if it is about the whole
	Msg   string
}

func (e *Error) Error() string { return "refusing the archive: " + e.fault() }

// fault says what is wrong, for those who refuse something else than an archive.
func (e *Error) fault() string {
	if e.Entry == "" {
		return e.Msg
	}
	return fmt.Sprintf("%q %s", e.Entry, e.Msg)
}

// entries checks how many things are made.
func (l Limits) entries(n int) error {
	if n > l.Entries {
		return &Error{"", fmt.Sprintf("it has more than %d entries, with the directories that are made for them", l.Entries)}
	}
	return nil
}

// file checks the size of one file.
func (l Limits) file(name string, size int64) error {
	if size > l.File {
		return &Error{name, fmt.Sprintf("is larger than %d bytes", l.File)}
	}
	return nil
}

// total checks the size of the whole, unpacked.
func (l Limits) total(size int64) error {
	if size > l.Total {
		return &Error{"", fmt.Sprintf("it unpacks to more than %d bytes", l.Total)}
	}
	return nil
}

// ratio checks the size of what is unpacked so far against that of the archive that was read for it.
func (l Limits) ratio(size, packed int64) error {
	if size > l.RatioFrom && size/l.Ratio > packed {
		return &Error{"", fmt.Sprintf("it unpacks to more than %d times its size", l.Ratio)}
	}
	return nil
}

// splitEntry checks a name in an archive and splits the archive's one directory off.
func splitEntry(name string) (top, rel string, err error) {
	if msg := nameFault(name, runtime.GOOS); msg != "" {
		return "", "", &Error{name[:min(len(name), 120)], msg}
	}
	var kept []string
	for e := range strings.SplitSeq(name, "/") {
		if e != "" && e != "." {
			kept = append(kept, e)
		}
	}
	switch {
	case len(kept) == 0:
		return "", "", &Error{name, "has no name: pack the profile's directory, not what is in it"}
	case len(kept) > maxDepth:
		return "", "", &Error{name[:min(len(name), 120)], "lies too deep"}
	}
	return kept[0], path.Join(append([]string{"."}, kept[1:]...)...), nil
}

// nameFault says why a system cannot have a file of a name, or should not; "" if it can. Characters that a terminal obeys
// are in no name that a person chose; a \ and a : are, and only Windows takes them for a path.
func nameFault(name, goos string) string {
	windows := goos == "windows"
	switch {
	case len(name) > maxPath:
		return "has too long a name"
	case path.IsAbs(name), windows && strings.HasPrefix(name, `\`):
		return "is an absolute name"
	case !utf8.ValidString(name), strings.ContainsFunc(name, obeyed):
		return "has unprintable characters in its name"
	case windows && strings.ContainsAny(name, `\:`):
		return "has a \\ or a : in its name, which this system takes for a path"
	}
	for e := range strings.SplitSeq(name, "/") {
		if e == ".." {
			return "leads out of the profile"
		}
	}
	return ""
}

// obeyed reports whether a terminal does more with a character than show it.
func obeyed(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == '\ufeff'
}

// stays reports whether a link's target, as it is written, stays in the home.
func stays(rel, target string) bool {
	if target == "" || path.IsAbs(target) || strings.ContainsRune(target, 0) || runtime.GOOS == "windows" && strings.ContainsAny(target, `\:`) {
		return false
	}
	joined := path.Join(path.Dir(rel), target)
	return joined != ".." && !strings.HasPrefix(joined, "../")
}

// harmless refuses what no profile holds, wherever it lies.
func harmless(hdr *tar.Header, rel, top string) error {
	leads := false
	switch hdr.Typeflag {
	case tar.TypeDir:
	case tar.TypeReg:
		for key := range hdr.PAXRecords {
			if strings.HasPrefix(key, "GNU.sparse") {
				return &Error{hdr.Name, "is a sparse file"}
			}
		}
	case tar.TypeSymlink:
		leads = !stays(rel, hdr.Linkname)
	case tar.TypeLink:
		first, _, err := splitEntry(hdr.Linkname)
		leads = err != nil || first != top
	default:
		return &Error{hdr.Name, "is neither a file nor a directory nor a link"}
	}
	if leads {
		return &Error{hdr.Name, "is a link that leads out of the profile"}
	}
	return nil
}

// checkContent checks that a directory is a profile, and that its configuration is one that readers can afford. What it
// says may still be wrong: that is the gateway's to tell, and a backup of it is worth having. at stands for the
// directory in messages. Errors are *Error and those of the file system.
func checkContent(files volume.Dir, at string) error {
	for _, name := range contents.Essential {
		info, err := files.Lstat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist) && name == profile.SoulName:
			return &Error{"", "it has no SOUL.md, so it is no profile"}
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case !info.Mode().IsRegular():
			return &Error{path.Join(at, name), "is not a file"}
		}
	}
	data, err := files.ReadFile(profile.ConfigName, config.MaxSize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = config.Check(path.Join(at, profile.ConfigName), data)
	}
	var wrong *profile.ConfigError
	switch {
	case errors.As(err, &wrong):
		return &Error{"", wrong.Error()}
	case errors.Is(err, volume.ErrTooLarge):
		return &Error{path.Join(at, profile.ConfigName), fmt.Sprintf("is larger than %d kB", config.MaxSize>>10)}
	}
	return err
}
