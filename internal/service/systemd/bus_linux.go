package systemd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	systemdName = "org.freedesktop.systemd1"
	managerPath = dbus.ObjectPath("/org/freedesktop/systemd1")
	managerFace = systemdName + ".Manager"

	// reconnectFor is how long to try again if systemd does not answer. systemd drops all connections when it executes itself anew
	// (systemctl daemon-reexec), which the scripts of packages do.
	reconnectFor = 20 * time.Second
	connectFor   = time.Second
	answerFor    = 30 * time.Second // longer than a reload of many units takes
	pingFor      = answerFor
	pingAgain    = 20 * time.Millisecond
	retryPause   = 20 * time.Millisecond
)

// bus is a connection to one systemd, over systemd's own socket, which needs no message bus, or over the system's bus.
type bus struct {
	socket  string
	viaBus  bool // socket is that of a message bus
	c       *dbus.Conn
	signals chan *dbus.Signal
	lost    bool // a connection broke, and signals may be lost
	// patience is how long to try again if systemd drops every connection.
	patience time.Duration
}

// connect returns a connection. The caller must close it.
func connect(ctx context.Context, socket string, viaBus bool) (*bus, error) {
	b := &bus{socket: socket, viaBus: viaBus, patience: reconnectFor}
	return b, b.dialFor(ctx, connectFor)
}

// dialFor connects. If nobody listens, it tries again until limit is over. If systemd accepts a connection and drops it, it is
// executing itself anew, and dialFor waits for it longer.
func (b *bus) dialFor(ctx context.Context, limit time.Duration) error {
	for begun := time.Now(); ; {
		err := b.dial(ctx)
		switch {
		case closed(err):
			limit = reconnectFor
		case !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, fs.ErrNotExist):
			return err
		}
		if time.Since(begun) > limit {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(retryPause):
		}
	}
}

func (b *bus) dial(ctx context.Context) error {
	c, err := dbus.Dial("unix:path="+dbus.EscapeBusAddressValue(b.socket), dbus.WithContext(ctx))
	if err != nil {
		return err
	}
	err = c.Auth([]dbus.Auth{dbus.AuthExternal(strconv.Itoa(os.Geteuid()))})
	if err == nil && b.viaBus {
		err = c.Hello()
	}
	if err == nil {
		err = ping(ctx, c)
	}
	if err != nil {
		c.Close()
		return err
	}
	b.c = c
	b.signals = nil
	return nil
}

// ping makes sure that systemd reads from a connection. systemd leaves a call that arrives together with the end of the
// authentication in its buffer until more data arrives. So if there is no answer soon, ping sends another call.
func ping(ctx context.Context, c *dbus.Conn) error {
	for again := pingAgain; again < pingFor; again *= 2 {
		within, cancel := context.WithTimeout(ctx, again)
		err := c.Object(systemdName, managerPath).CallWithContext(within, "org.freedesktop.DBus.Peer.Ping", 0).Err
		late := within.Err() != nil
		cancel()
		if err == nil || !late || ctx.Err() != nil {
			return err
		}
	}
	return errors.New("systemd does not answer")
}

func (b *bus) close() {
	if b.c != nil {
		b.c.Close()
	}
}

// closed reports whether an error means that the connection is gone.
func closed(err error) bool {
	return errors.Is(err, dbus.ErrClosed) || errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, net.ErrClosed)
}

// call calls a method. If the connection is gone, it calls the method again on a new one, as long as patience allows. All methods
// that are called here may be called twice.
func (b *bus) call(ctx context.Context, path dbus.ObjectPath, method string, result any, args ...any) error {
	for begun, again := time.Now(), false; ; again = true {
		within, cancel := context.WithTimeout(ctx, answerFor)
		call := b.c.Object(systemdName, path).CallWithContext(within, method, 0, args...)
		cancel()
		err := call.Err
		if err == nil && result != nil {
			return call.Store(result)
		}
		if !closed(err) || ctx.Err() != nil || time.Since(begun) > b.patience {
			return err
		}
		if again { // systemd accepts connections and drops them
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(retryPause):
			}
		}
		watched := b.signals != nil
		b.c.Close()
		if err := b.dialFor(ctx, reconnectFor); err != nil {
			return err
		}
		if watched {
			b.lost = true
			if err := b.watch(ctx); err != nil {
				return err
			}
		}
	}
}

func (b *bus) manager(ctx context.Context, method string, result any, args ...any) error {
	return b.call(ctx, managerPath, managerFace+"."+method, result, args...)
}

// watch makes the signals of all units arrive at b.signals, which is closed when the connection is gone.
func (b *bus) watch(ctx context.Context) error {
	b.signals = make(chan *dbus.Signal, 64)
	b.c.Signal(b.signals)
	if b.viaBus {
		for _, rule := range []string{
			"type='signal',sender='" + systemdName + "',interface='" + managerFace + "',member='JobRemoved'",
			"type='signal',sender='" + systemdName + "',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged'",
		} {
			if err := b.c.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.AddMatch", 0, rule).Err; err != nil {
				return err
			}
		}
	}
	return b.manager(ctx, "Subscribe", nil)
}

// facts returns the state of a unit.
func (b *bus) facts(ctx context.Context, unit string) (facts, error) {
	var path dbus.ObjectPath
	if err := b.manager(ctx, "LoadUnit", &path, unit); err != nil {
		return facts{}, err
	}
	var props map[string]dbus.Variant // the properties of all interfaces, at one moment
	err := b.call(ctx, path, "org.freedesktop.DBus.Properties.GetAll", &props, "")
	return parseFacts(props), err
}

// version returns the version of systemd, such as 257, or 0 if systemd does not tell it.
func (b *bus) version(ctx context.Context) (int, error) {
	var v dbus.Variant
	if err := b.call(ctx, managerPath, "org.freedesktop.DBus.Properties.Get", &v, managerFace, "Version"); err != nil {
		return 0, err
	}
	text, _ := v.Value().(string)
	return parseVersion(text), nil
}

// isBusError reports whether systemd, or the bus, answered with one of these errors.
func isBusError(err error, names ...string) bool {
	var e dbus.Error
	if !errors.As(err, &e) {
		return false
	}
	for _, n := range names {
		if e.Name == n {
			return true
		}
	}
	return false
}

// unitPath returns the path of a unit's object in systemd.
func unitPath(unit string) dbus.ObjectPath {
	path := []byte(managerPath + "/unit/")
	for _, c := range []byte(unit) { // a name of ours never begins with a digit
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			path = append(path, c)
		} else {
			path = fmt.Appendf(path, "_%02x", c)
		}
	}
	return dbus.ObjectPath(path)
}
