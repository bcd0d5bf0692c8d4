package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"hermes/internal/volume"
)

// maxSocketPath is the longest path that every system takes for a socket: 104 bytes on macOS, with the final zero.
const maxSocketPath = 103

// Dir is where the supervisor of a home is met: mode 0700, with its lock, its socket, and who it is.
func Dir(home string) string { return filepath.Join(home, dirName) }

const (
	dirName    = "up"
	socketName = "socket"
	lockName   = "lock"
	holderName = "holder.json"
)

func socketOf(home string) string { return filepath.Join(Dir(home), socketName) }

type holder struct {
	PID   int       `json:"pid"`
	Since time.Time `json:"since"`
}

// TakenError reports a home that has a supervisor already.
type TakenError struct {
	Home  string
	PID   int // 0 if it does not say
	Since time.Time
}

func (e *TakenError) Error() string {
	who := "another process"
	if e.PID != 0 {
		who = fmt.Sprintf("`hermes up` with pid %d, since %s", e.PID, e.Since.Local().Format("2006-01-02 15:04:05 -0700"))
	}
	return fmt.Sprintf("%s has its supervisor: %s; `hermes down` ends it", e.Home, who)
}

// Claim is the right to supervise a home, and the socket on which commands arrive.
type Claim struct {
	home     string
	files    volume.Dir // Dir(home)
	lock     *volume.Lock
	Listener net.Listener
}

// settle is how long a supervisor that was killed may take to let go of its lock: the kernel has the pages of a process to
// free first.
const settle = 300 * time.Millisecond

// Take claims a home. The error is *TakenError if somebody has it.
func Take(home string) (*Claim, error) {
	fail := func(err error) (*Claim, error) { return nil, fmt.Errorf("cannot supervise %s: %w", home, err) }
	files := volume.At(home)
	if err := files.Mkdir(dirName, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fail(err)
	}
	if err := files.IsDir(dirName); err != nil {
		return fail(err)
	}
	if err := files.Chmod(dirName, 0o700); err != nil {
		return fail(err)
	}
	files = files.Sub(dirName)
	waiting, cancel := context.WithTimeout(context.Background(), settle)
	lock, err := files.WaitLock(waiting, lockName)
	cancel()
	if errors.Is(err, volume.ErrLocked) || errors.Is(err, context.DeadlineExceeded) {
		held := &TakenError{Home: home}
		var h holder
		if data, err := files.ReadFile(holderName, 4<<10); err == nil && json.Unmarshal(data, &h) == nil {
			held.PID, held.Since = h.PID, h.Since
		}
		return nil, held
	}
	if err != nil {
		return fail(err)
	}
	c := &Claim{home: home, files: files, lock: lock}
	data, err := json.Marshal(holder{os.Getpid(), time.Now().UTC().Truncate(time.Second)})
	if err == nil {
		err = files.WriteFile(holderName, append(data, '\n'), 0o600)
	}
	if err == nil {
		err = c.listen()
	}
	if err != nil {
		lock.Unlock()
		return fail(err)
	}
	return c, nil
}

func (c *Claim) listen() error {
	path := socketOf(c.home)
	if err := c.files.RemoveIfThere(socketName); err != nil {
		return err
	}
	err := shortPath(path, func(short string) error {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: short, Net: "unix"})
		if err != nil {
			return err
		}
		l.SetUnlinkOnClose(false) // the name is short for this moment only
		c.Listener = &guarded{l}
		return nil
	})
	if err != nil {
		return err
	}
	return os.Chmod(path, 0o600) //nolint:forbidigo // a socket cannot be opened; its directory is this user's alone
}

// Release gives the home up. Every process is down by then.
func (c *Claim) Release() {
	c.Listener.Close()
	_ = c.files.Remove(socketName) // nobody answers there any more
	_ = c.files.Remove(holderName) // the lock tells the truth
	c.lock.Unlock()
}

// guarded accepts connections of this user and of root.
type guarded struct{ *net.UnixListener }

func (g *guarded) Accept() (net.Conn, error) {
	for {
		c, err := g.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if mayTalk(c) {
			return c, nil
		}
		c.Close()
	}
}

// mayTalk reports whether the other end is this user, or root. Where the system does not tell, the rights of the
// directory have decided.
func mayTalk(c *net.UnixConn) bool {
	uid, err := peer(c)
	if errors.Is(err, errors.ErrUnsupported) {
		return true
	}
	return err == nil && (uid == os.Getuid() || uid == 0)
}

// dial connects to the supervisor of a home.
func dial(home string) (c *net.UnixConn, err error) {
	err = shortPath(socketOf(home), func(short string) (err error) {
		c, err = net.DialUnix("unix", nil, &net.UnixAddr{Name: short, Net: "unix"})
		return err
	})
	if err != nil {
		return nil, err
	}
	// Root trusts the home's owner, who is who it works for.
	if !mayTalk(c) && os.Getuid() != 0 {
		c.Close()
		return nil, fmt.Errorf("%s belongs to another user", socketOf(home))
	}
	return c, nil
}

// Live reports whether a supervisor of this home takes commands. It costs one connection.
func Live(home string) bool {
	c, err := dial(home)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// WaitDown returns when no supervisor has the home.
func WaitDown(ctx context.Context, home string) error {
	lock, err := volume.At(Dir(home)).WaitLock(ctx, lockName)
	if err != nil {
		return err
	}
	return lock.Unlock()
}
