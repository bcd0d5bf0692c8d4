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
	// keyName is the file in HERMES_HOME that has the key of a dashboard without credentials. Only the home's owner can read it.
	keyName = ".dashboard_key"
	// linkGood is how long a link is good. Then, or when it was used once, it is worthless.
	linkGood = 15 * time.Minute
	// minKey is the shortest key that is used, in characters; keys that are made here have 52. maxKey is the largest file, in bytes.
	minKey, maxKey = 16, 1 << 10
	// keyWithin is how long to wait for another process that makes the key.
	keyWithin = 10 * time.Second
)

// Key returns the key of a home's dashboard, which is a secret. If the home has none, or one that others can read, it makes one and keeps
// it in a file of mode 0600. Processes that call it at the same time get the same key.
func Key(ctx context.Context, home volume.Dir) (string, error) {
	key, err := readKey(home)
	if key != "" || err != nil {
		return key, err
	}
	ctx, cancel := context.WithTimeout(ctx, keyWithin)
	defer cancel()
	// Without the lock, two processes could make a key each, and only the later one would be in the file.
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

// readKey returns the key in the file; "" if there is no file, or if its key must not be used.
func readKey(home volume.Dir) (string, error) {
	f, err := home.Open(keyName)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("cannot read the dashboard's key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat() // of the opened file: another one may have its name by now
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

// Link returns the path and the query of an address that logs a browser in, once, within linkGood.
func Link(key string, now time.Time) string { return "/?token=" + newLinkToken(key, now) }

// newLinkToken returns a token: a random ID, the time when it ends, and a MAC of both.
func newLinkToken(key string, now time.Time) string {
	body := rand.Text() + "." + strconv.FormatInt(now.Add(linkGood).Unix(), 36)
	return body + "." + linkMAC(key, body)
}

func linkMAC(key, body string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte("hermes dashboard link " + body))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// readLinkToken returns a token's ID and when it ends. ok is false if it was not made with this key, or has ended.
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
