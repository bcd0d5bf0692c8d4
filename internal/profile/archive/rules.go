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

// The rules for the content of an archive, for both ends. An import refuses what breaks them. An export leaves such things out and
// says so, or fails if the profile is not complete without them. So every archive that an export writes can be imported.

// Limits limits what an archive may unpack to, because its maker may want to do damage.
type Limits struct {
	// Entries is how many files, directories and links may be made. Directories that no entry names, but that lie above one, count
	// too. Each takes a block of the volume, mostly 4 kB.
	Entries int
	File    int64 // bytes of one file
	Total   int64 // bytes of the unpacked archive
	// Ratio is how many times the archive's own size it may unpack to. It counts only above RatioFrom bytes, because a small archive
	// may well consist mostly of zeros.
	Ratio     int64
	RatioFrom int64
}

// DefaultLimits are far above the size of a profile, which has tens of files and, after years, some GB of sessions.
func DefaultLimits() Limits {
	return Limits{Entries: 100_000, File: 8 << 30, Total: 16 << 30, Ratio: 250, RatioFrom: 64 << 20}
}

const (
	// maxWindow is how much memory an archive can make us use for back references. Our own archives use this window too.
	maxWindow = 8 << 20
	// maxPath is the length of the longest name in an archive in bytes, maxDepth the largest number of nested directories.
	maxPath  = 1024
	maxDepth = 128
)

// Error reports that an archive is refused or broken. Nothing of it was kept.
type Error struct {
	Entry string // the name in the archive; "" if it is about the whole
	Msg   string
}

func (e *Error) Error() string { return "refusing the archive: " + e.fault() }

// fault returns the message without "refusing the archive", for callers that refuse something else.
func (e *Error) fault() string {
	if e.Entry == "" {
		return e.Msg
	}
	return fmt.Sprintf("%q %s", e.Entry, e.Msg)
}

// entries checks the number of things that are made.
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

// total checks the unpacked size of the whole archive.
func (l Limits) total(size int64) error {
	if size > l.Total {
		return &Error{"", fmt.Sprintf("it unpacks to more than %d bytes", l.Total)}
	}
	return nil
}

// ratio compares what has been unpacked with how much of the archive was read for it.
func (l Limits) ratio(size, packed int64) error {
	if size > l.RatioFrom && size/l.Ratio > packed {
		return &Error{"", fmt.Sprintf("it unpacks to more than %d times its size", l.Ratio)}
	}
	return nil
}

// splitEntry checks a name in an archive and removes the archive's only directory from its beginning.
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

// nameFault says why a system cannot have, or should not have, a file of that name; "" if it can. No person chooses a name with
// characters that control a terminal. People do use \ and :, and only Windows takes them for parts of a path.
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

// obeyed reports whether a character controls a terminal instead of being shown.
func obeyed(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == '\ufeff'
}

// stays reports whether the target of a link, as it is written, stays in the home.
func stays(rel, target string) bool {
	if target == "" || path.IsAbs(target) || strings.ContainsRune(target, 0) || runtime.GOOS == "windows" && strings.ContainsAny(target, `\:`) {
		return false
	}
	joined := path.Join(path.Dir(rel), target)
	return joined != ".." && !strings.HasPrefix(joined, "../")
}

// harmless refuses entries that no profile has, such as devices, wherever they lie.
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

// checkContent checks that a directory is a profile and that its config.yaml is not too expensive to read. The values in config.yaml
// may be wrong: the gateway reports that, and a backup of such a profile is still useful. at is the name of the directory in
// messages. Its errors are *Error and those of the file system.
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
