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

// credentials checks user names and passwords. It keeps the password's hash and not the password.
type credentials struct {
	user   string
	hash   []byte
	folded bool // hash is the hash of what fold returned
	turns  *turns

	mu    sync.Mutex
	key   []byte // the key of the MAC in known
	known []byte // the MAC of the user name and password that were right last, for programs send them with each request
}

// newCredentials hashes the password, unless it is a hash already. cost is that of bcrypt; with the default a hash takes about 60 ms of a
// core.
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

// HashPassword returns the bcrypt hash of a password, for HERMES_DASHBOARD_BASIC_AUTH_PASSWORD. bcrypt refuses a password of more than 72
// bytes.
func HashPassword(password string) (string, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	if err != nil {
		return "", fmt.Errorf("cannot hash the password: %w", err)
	}
	return string(hash), nil
}

// fold returns a hash of a password that is short enough for bcrypt, which takes at most 72 bytes.
func fold(password string) []byte {
	sum := sha256.Sum256([]byte(password))
	return []byte(base64.StdEncoding.EncodeToString(sum[:]))
}

// sum returns the MAC of a user name and a password.
func (k *credentials) sum(user, password string) []byte {
	mac := hmac.New(sha256.New, k.key)
	fmt.Fprintf(mac, "%q %q", user, password)
	return mac.Sum(nil)
}

// check reports whether user and password are right. A wrong user takes as long as a wrong password.
//
// If they are the same as what was right last, nothing else happens. Otherwise check waits until no other attempt of the same address is
// under way, calls begin, which counts the attempt or refuses it, and compares. An error means that nothing was compared; it is begin's, or
// that of ctx, or errCrowded.
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
	if k.isKnown(sum) { // it became known while this attempt waited
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

// same compares two texts. The time that it takes tells nothing about them, not even their length.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
