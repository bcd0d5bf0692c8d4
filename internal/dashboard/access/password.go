package access

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/netip"
	"sync"

	"golang.org/x/crypto/bcrypt"
)

// credentials checks user names and passwords. The plain password is not kept.
type credentials struct {
	user   string
	hash   []byte
	folded bool // the hash is one of fold's
	turns  *turns

	mu    sync.Mutex
	key   []byte // of known
	known []byte // MAC of what was right last: programs send their password with each request
}

// newCredentials hashes a plain password at a cost of bcrypt's; the default takes about 60 ms of a core.
func newCredentials(o Options, cost int) (*credentials, error) {
	k := &credentials{user: o.Username, hash: []byte(o.Password), turns: newTurns(), key: make([]byte, 32)}
	rand.Read(k.key) // never fails: crypto/rand
	if isHash(o.Password) {
		return k, nil
	}
	k.folded = true
	var err error
	if k.hash, err = bcrypt.GenerateFromPassword(fold(o.Password), cost); err != nil {
		return nil, fmt.Errorf("cannot hash the dashboard's password: %w", err)
	}
	return k, nil
}

// HashPassword returns the bcrypt hash of a password, for HERMES_DASHBOARD_BASIC_AUTH_PASSWORD. bcrypt takes at most 72 bytes.
func HashPassword(password string) (string, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	if err != nil {
		return "", fmt.Errorf("cannot hash the password: %w", err)
	}
	return string(hash), nil
}

// fold makes a password of any length fit bcrypt, which takes no more than 72 bytes.
func fold(password string) []byte {
	sum := sha256.Sum256([]byte(password))
	return []byte(base64.StdEncoding.EncodeToString(sum[:]))
}

func (k *credentials) sum(user, password string) []byte {
	mac := hmac.New(sha256.New, k.key)
	fmt.Fprintf(mac, "%q %q", user, password)
	return mac.Sum(nil)
}

// check reports whether user and password are right. It takes as long for a wrong user as for a wrong password. Attempts of
// one address are made one after the other: begin is asked before each whether it may be made, and counts it, so that
// many at once are as many as one by one. Those that are the same as what was right last are not counted. The error
// is begin's, or about an attempt that was not made.
func (k *credentials) check(ctx context.Context, from netip.Addr, user, password string, begin func() error) (bool, error) {
	sum := k.sum(user, password)
	if k.isKnown(sum) {
		return true, nil
	}
	done, err := k.turns.take(ctx, who(from))
	if err != nil {
		return false, err
	}
	defer done()
	if k.isKnown(sum) { // since this one waits
		return true, nil
	}
	if err := begin(); err != nil {
		return false, err
	}
	hashed, err := k.turns.hash(ctx)
	if err != nil {
		return false, err
	}
	defer hashed()
	candidate := []byte(password)
	if k.folded {
		candidate = fold(password)
	}
	right := bcrypt.CompareHashAndPassword(k.hash, candidate) == nil
	if !same(user, k.user) || !right {
		return false, nil
	}
	k.mu.Lock()
	k.known = sum
	k.mu.Unlock()
	return true, nil
}

func (k *credentials) isKnown(sum []byte) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.known != nil && hmac.Equal(k.known, sum)
}

// same compares in a time that tells nothing about either, not even the length.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
