package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
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
)

// Key returns the key of a home's dashboard, which is made at the first call and kept in a file of mode 0600. It is a
// secret. One that others could read is replaced.
func Key(home volume.Dir) (string, error) {
	for range 3 {
		data, err := home.ReadFile(keyName, 1<<10)
		key := strings.TrimSpace(string(data))
		info, serr := home.Lstat(keyName)
		switch {
		case err == nil && serr == nil && len(key) >= minSecret && info.Mode().Perm()&0o077 == 0:
			return key, nil
		case err == nil:
			err = home.WriteFile(keyName, []byte(rand.Text()+rand.Text()+"\n"), 0o600)
		case errors.Is(err, fs.ErrNotExist):
			err = makeKey(home)
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("cannot make the dashboard's key: %w", err)
		}
	}
	return "", fmt.Errorf("cannot make the dashboard's key: %s changes all the time", home.Path(keyName))
}

func makeKey(home volume.Dir) error {
	f, err := home.Create(keyName, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(rand.Text() + rand.Text() + "\n")
	return errors.Join(err, f.Close())
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
