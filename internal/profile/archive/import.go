package archive

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/klauspost/compress/zstd"

	"hermes/internal/profile"
	"hermes/internal/profile/contents"
	"hermes/internal/profile/provision"
	"hermes/internal/volume"
)

// ImportOptions says how an archive becomes a profile.
type ImportOptions struct {
	// As is the profile's name; the zero Name means the name in the archive.
	As     profile.Name
	Limits Limits
	// Getenv reads the environment, which may set the port of the default profile.
	Getenv func(string) string
	// Progress, if not nil, is called with what has been unpacked so far.
	Progress func(files int, size int64)
}

// Import makes a profile from an archive. It unpacks the archive beside the profiles, and the new profile appears among them only if
// the whole archive is good. Import overwrites nothing and writes nothing elsewhere. It drops locks, pids and states that are in the
// archive, makes a key if there is none, and chooses another port if another profile owns the archive's. It returns the errors of
// provision.Create, and *Error.
func Import(ctx context.Context, s *profile.Store, r io.Reader, o ImportOptions) (provision.Made, error) {
	if o.As != (profile.Name{}) {
		if err := s.Vacant(o.As); err != nil {
			return provision.Made{}, err
		}
	}
	st, err := s.Stage()
	if err != nil {
		return provision.Made{}, err
	}
	defer st.Discard()
	u := unpacker{ctx: ctx, to: st.Files, o: o}
	u.named = func(top string) error {
		if o.As != (profile.Name{}) {
			return nil
		}
		if o.As, err = profile.NewName(top); err != nil {
			return &Error{"", fmt.Sprintf("it holds a directory that cannot be a profile's name (%v): choose one with `--as NAME`", err)}
		}
		return s.Vacant(o.As)
	}
	if err := u.decompress(r); err != nil {
		return provision.Made{}, err
	}
	home := st.Home(o.As)
	if err := u.finish(home); err != nil {
		return provision.Made{}, err
	}
	if err := provision.Fill(ctx, home); err != nil {
		return provision.Made{}, fmt.Errorf("cannot import profile '%s': %w", o.As, err)
	}
	return provision.Settle(ctx, s, st, o.As, provision.Made{LeftOut: u.dropped}, o.Getenv)
}

// unpacker writes the entries of an archive below one directory.
type unpacker struct {
	ctx     context.Context
	to      volume.Dir
	o       ImportOptions
	named   func(top string) error // called once with the name of the archive's only directory
	top     string
	seen    map[string]bool // true: an entry has this name; false: only a directory above an entry
	links   []link
	dropped []contents.LeftOut
	files   int
	made    int   // so far; counts towards Limits.Entries
	size    int64 // bytes written so far
	read    *counter
}

type link struct{ name, target string }

func (u *unpacker) decompress(r io.Reader) error {
	u.read = &counter{r: r}
	z, err := zstd.NewReader(u.read, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return broken(err)
	}
	defer z.Close()
	out := &bounded{r: z, u: u}
	if err := u.unpack(tar.NewReader(out)); err != nil {
		return err
	}
	// Read the rest of the archive too: it counts towards the limits, and its checksum must be right.
	if _, err := io.Copy(io.Discard, out); err != nil {
		return broken(err)
	}
	return nil
}

// broken turns an error of decompression into *Error. It keeps refusals and errors of this system as they are.
func broken(err error) error {
	var refused *Error
	var pe *fs.PathError
	switch {
	case errors.As(err, &refused), errors.As(err, &pe), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{"", "it is cut off"}
	case errors.Is(err, zstd.ErrMagicMismatch):
		return &Error{"", "it is not what `hermes profile export` writes (a .tar.zst)"}
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return &Error{"", fmt.Sprintf("unpacking it takes more than %d MB of memory: compress it with `zstd` at level 19 or lower, without --long", maxWindow>>20)}
	}
	return &Error{"", "it is broken: " + err.Error()}
}

// counter counts the bytes that are read from the archive.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// bounded fails once an archive unpacks to too much, headers and padding included.
type bounded struct {
	r io.Reader
	u *unpacker
	n int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if err := b.u.ctx.Err(); err != nil {
		return 0, context.Cause(b.u.ctx)
	}
	n, err := b.r.Read(p)
	b.n += int64(n)
	if lerr := b.u.bound(b.n); lerr != nil {
		return n, lerr
	}
	return n, err
}

// bound checks a size against the limits for the whole archive.
func (u *unpacker) bound(size int64) error {
	if err := u.o.Limits.total(size); err != nil {
		return err
	}
	return u.o.Limits.ratio(size, u.read.n)
}

func (u *unpacker) unpack(t *tar.Reader) error {
	u.seen = map[string]bool{}
	for {
		hdr, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return broken(err)
		}
		if err := u.count(); err != nil { // count it even if it makes nothing, because reading it takes time
			return err
		}
		if hdr.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if err := u.entry(hdr, t); err != nil {
			return err
		}
	}
	return u.makeLinks()
}

// count counts one thing that is made, or read.
func (u *unpacker) count() error {
	u.made++
	return u.o.Limits.entries(u.made)
}

// makeLinks makes all links at the end, so that nothing is written through a link. Each link must lead to something in the home.
func (u *unpacker) makeLinks() error {
	for _, l := range u.links {
		if err := u.parents(l.name); err != nil {
			return err
		}
		if err := u.to.Symlink(l.target, l.name); err != nil {
			return taken(l.name, err)
		}
	}
	for _, l := range u.links {
		if err := u.to.Leads(l.name); err != nil {
			return &Error{l.name, "is a link that leads out of the profile, or nowhere"}
		}
	}
	return nil
}

// finish checks that the unpacked home is a profile.
func (u *unpacker) finish(h profile.Home) error {
	if u.top == "" {
		return &Error{"", "it is empty"}
	}
	if err := checkContent(h.Files(), u.top); err != nil {
		return err
	}
	for _, name := range []string{profile.EnvName, profile.OwnEnvName, profile.DatabaseName, profile.FormerDatabaseName} {
		if err := h.Files().Chmod(name, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
