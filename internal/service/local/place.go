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

// maxSocketPath is the longest path of a socket that every system accepts: macOS has 104 bytes, with the final zero.
const maxSocketPath = 103

// Dir returns the directory of a home's supervisor. It has mode 0700 and contains the lock, the socket, and a file that names the
// supervisor's process.
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

// TakenError reports that the home has a supervisor already.
type TakenError struct {
	Home  string
	PID   int // 0 if it is unknown
	Since time.Time
}

func (e *TakenError) Error() string {
	who := "another process"
	if e.PID != 0 {
		who = fmt.Sprintf("`hermes up` with pid %d, since %s", e.PID, e.Since.Local().Format("2006-01-02 15:04:05 -0700"))
	}
	return fmt.Sprintf("%s has its supervisor: %s; `hermes down` ends it", e.Home, who)
}

// Claim is the right to supervise a home, with the socket on which commands arrive.
type Claim struct {
	home     string
	files    volume.Dir // Dir(home)
	lock     *volume.Lock
	Listener net.Listener
}

// settle is how long the lock of a killed supervisor may stay taken, because the kernel first frees the memory of the process.
const settle = 300 * time.Millisecond

// Take claims a home. If another supervisor has it, the error is *TakenError.
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
		l.SetUnlinkOnClose(false) // the name may be a short one, which is valid only here
		c.Listener = &guarded{l}
		return nil
	})
	if err != nil {
		return err
	}
	return os.Chmod(path, 0o600) //nolint:forbidigo // a socket cannot be opened; its directory is this user's alone
}

// Release gives up the home. Call it when all processes are down.
func (c *Claim) Release() {
	c.Listener.Close()
	_ = c.files.Remove(socketName) // no process listens there any more
	_ = c.files.Remove(holderName) // a file that stays does no harm: the lock decides
	c.lock.Unlock()
}

// guarded accepts only connections from this user and from root.
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

// mayTalk reports whether the process at the other end is this user's or root's. If the system does not tell, it returns true,
// because the rights of the directory have decided who can connect.
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
	// Root trusts the home's owner, because it runs the command for that user's home.
	if !mayTalk(c) && os.Getuid() != 0 {
		c.Close()
		return nil, fmt.Errorf("%s belongs to another user", socketOf(home))
	}
	return c, nil
}

// Live reports whether a supervisor of this home takes commands. It makes one connection.
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
