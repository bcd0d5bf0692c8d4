package access

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"hermes/internal/volume"
)

const (
	// keyName is the file in HERMES_HOME that opens a dashboard without credentials: whoever can read it owns the home.
	keyName = ".dashboard_key"
	// linkGood is how long a link logs somebody in, and it does so once.
	linkGood = 15 * time.Minute
	// minKey is the shortest key, in characters; ours have 52. maxKey bounds the file, in bytes.
	minKey, maxKey = 16, 1 << 10
	// keyWithin is how long another process may take to make the key.
	keyWithin = 10 * time.Second
)

// Key returns the key of a home's dashboard, which is made at the first call and kept in a file of mode 0600. It is a
// secret. One that others could read is replaced. All who call it at the same time get the same key.
func Key(ctx context.Context, home volume.Dir) (string, error) {
	key, err := readKey(home)
	if key != "" || err != nil {
		return key, err
	}
	ctx, cancel := context.WithTimeout(ctx, keyWithin)
	defer cancel()
	// Two that make one at the same time would each go on with its own, and only the last is in the file.
	lock, err := home.WaitLock(ctx, keyName+".lock")
	if err != nil {
		return "", fmt.Errorf("cannot make the dashboard's key: %w", err)
	}
	defer lock.Unlock()
	if key, err = readKey(home); key != "" || err != nil {
		return key, err
	}
	key = rand.Text() + rand.Text()
	if err := home.WriteFile(keyName, []byte(key+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("cannot make the dashboard's key: %w", err)
	}
	return key, nil
}

// readKey returns the key, "" if there is none that may be used.
func readKey(home volume.Dir) (string, error) {
	f, err := home.Open(keyName)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("cannot read the dashboard's key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat() // of the file that is read, not of what has its name by then
	if err != nil {
		return "", fmt.Errorf("cannot read the dashboard's key: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxKey))
	if err != nil {
		return "", fmt.Errorf("cannot read the dashboard's key: %w", err)
	}
	key := strings.TrimSpace(string(data))
	if len(key) < minKey || len(data) == maxKey || readByOthers(info) {
		return "", nil
	}
	return key, nil
}

// Link returns what logs a browser in, once and soon: the part of an address that follows the host.
func Link(key string, now time.Time) string { return "/?token=" + newLinkToken(key, now) }

// newLinkToken: an ID, when it ends, and a MAC of both.
func newLinkToken(key string, now time.Time) string {
	body := rand.Text() + "." + strconv.FormatInt(now.Add(linkGood).Unix(), 36)
	return body + "." + linkMAC(key, body)
}

func linkMAC(key, body string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte("hermes dashboard link " + body))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// readLinkToken returns the ID of a token that is ours and not over, and when it ends.
func readLinkToken(key, token string, now time.Time) (id string, until time.Time, ok bool) {
	i := strings.LastIndexByte(token, '.')
	if i < 0 || !same(token[i+1:], linkMAC(key, token[:i])) {
		return "", until, false
	}
	id, end, _ := strings.Cut(token[:i], ".")
	seconds, err := strconv.ParseInt(end, 36, 64)
	until = time.Unix(seconds, 0)
	return id, until, err == nil && now.Before(until)
}
