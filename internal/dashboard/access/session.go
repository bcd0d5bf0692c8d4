package access

import (
	"cmp"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	// A session ends when nobody has used it for idleLimit, and at the latest ageLimit after it began.
	idleLimit = 12 * time.Hour
	ageLimit  = 7 * 24 * time.Hour
	// renewEvery is how old a cookie is at least before it is written again with a new time of last use.
	renewEvery = time.Minute
)

// session is the content of a session's cookie.
type session struct {
	ID     string    `json:"i"`
	User   string    `json:"u"`
	By     string    `json:"b"` // how the visitor logged in: byPassword, byIssuer, byLink
	Issued time.Time `json:"t"`
	Seen   time.Time `json:"s"`
}

// These are the ways to log in.
const (
	byPassword = "password"
	byIssuer   = "oidc"
	byLink     = "link"
)

// sessions writes and reads the cookies. A cookie has everything about its session in it, encrypted. So the dashboard keeps no list of
// sessions, but one of those that visitors have logged out of.
type sessions struct {
	box     cipher.AEAD
	csrfKey []byte
	ended   *ended
	now     func() time.Time
	// may is Options.may: it reports whether the visitor of a session could still log in.
	may func(session) bool

	mu   sync.Mutex
	live map[string]map[*context.CancelCauseFunc]struct{} // what cancels the requests under way, by the IDs of their sessions
}

// newSessions derives the keys of the cookies from the secret and from the credentials. So a change of the password ends every session.
func newSessions(o Options, now func() time.Time) (*sessions, error) {
	secret := []byte(cmp.Or(o.Secret, o.LocalKey))
	if len(secret) == 0 {
		secret = make([]byte, 32)
		rand.Read(secret) // never fails: crypto/rand
	}
	keys, err := hkdf.Key(sha256.New, secret, nil, fmt.Sprintf("hermes dashboard sessions %q %q %q %q", o.Username, o.Password, o.OIDC.Issuer, o.OIDC.ClientID), 32+32)
	if err != nil {
		return nil, fmt.Errorf("cannot derive the keys of the sessions: %w", err)
	}
	ended, err := newEnded(o.Home, now)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(keys[:32])
	if err != nil {
		return nil, fmt.Errorf("cannot encrypt sessions: %w", err)
	}
	box, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("cannot encrypt sessions: %w", err)
	}
	return &sessions{box: box, csrfKey: keys[32:], ended: ended, now: now, may: o.may, live: map[string]map[*context.CancelCauseFunc]struct{}{}}, nil
}

// place is where a session's cookie is good: with TLS or without, and below which base.
type place struct {
	tls  bool
	base string // see parseBase
}

func (p peer) place() place { return place{p.tls, p.base} }

// cookieName is the name of the session's cookie. With TLS it has a prefix that browsers know (RFC 6265bis, 4.1.3). A cookie with __Host-
// can be set by the same host only, but must be good for all paths; one with __Secure- can be set by pages with TLS only.
func (p place) cookieName() string {
	switch {
	case p.tls && p.base == "":
		return "__Host-hermes"
	case p.tls:
		return "__Secure-hermes"
	}
	return "hermes"
}

// sealedFor is what a cookie is sealed with. A cookie of another name or base cannot be opened with it.
func (p place) sealedFor() []byte { return []byte(p.cookieName() + p.base) }

// cookie returns the session's cookie. Its path is the base, so that browsers do not send it to other dashboards of the same origin.
func (p place) cookie(value string, age int) *http.Cookie {
	return &http.Cookie{Name: p.cookieName(), Value: value, Path: cmp.Or(p.base, "/"), MaxAge: age, HttpOnly: true, Secure: p.tls, SameSite: http.SameSiteLaxMode}
}

// begin makes a session with a random ID, which no other session has.
func (s *sessions) begin(user, by string) session {
	now := s.now().UTC()
	return session{ID: rand.Text(), User: user, By: by, Issued: now, Seen: now}
}

// write sets the session's cookie.
func (s *sessions) write(w http.ResponseWriter, p place, sess session) error {
	data, err := json.Marshal(sess)
	if err != nil {
		return fmt.Errorf("cannot write a session: %w", err)
	}
	value := base64.RawURLEncoding.EncodeToString(s.box.Seal(nil, nil, data, p.sealedFor()))
	http.SetCookie(w, p.cookie(value, int(ageLimit/time.Second)))
	return nil
}

// read returns the session of a request. ok is false without a cookie, or if the session has ended. There may be several cookies with the
// name: browsers send those of all paths above a page.
func (s *sessions) read(r *http.Request, p place) (session, bool) {
	for _, c := range r.CookiesNamed(p.cookieName()) {
		if sess, ok := s.open(c, p); ok {
			return sess, true
		}
	}
	return session{}, false
}

// open decrypts a cookie and checks that its session has not ended.
func (s *sessions) open(c *http.Cookie, p place) (session, bool) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(c.Value)
	if err != nil {
		return session{}, false
	}
	data, err := s.box.Open(nil, nil, sealed, p.sealedFor())
	if err != nil {
		return session{}, false
	}
	var sess session
	if json.Unmarshal(data, &sess) != nil || sess.ID == "" || s.ended.has(sess.ID, sess.Issued) || !s.may(sess) {
		return session{}, false
	}
	now := s.now()
	// A session must not begin in the future: if its visitor logged out, it would last longer than the list of ended sessions has it.
	if now.Sub(sess.Issued) > ageLimit || now.Sub(sess.Seen) > idleLimit || sess.Issued.Sub(now) > time.Hour {
		return session{}, false
	}
	return sess, true
}

// renew writes a session's cookie again with a new time of last use, if the old time is more than renewEvery ago.
func (s *sessions) renew(w http.ResponseWriter, p place, sess session) {
	if now := s.now().UTC(); now.Sub(sess.Seen) > renewEvery {
		sess.Seen = now
		_ = s.write(w, p, sess) // if it fails, the old cookie is still good
	}
}

// end ends a session: its cookie is worthless from now on and is removed from the browser, and its requests under way are cancelled. With an
// error, the cookie is worthless until this process ends.
func (s *sessions) end(w http.ResponseWriter, p place, sess session) error {
	_, err := s.ended.add(sess.ID, sess.Issued.Add(ageLimit))
	s.mu.Lock()
	for cancel := range s.live[sess.ID] {
		(*cancel)(errSessionEnded)
	}
	s.mu.Unlock()
	http.SetCookie(w, p.cookie("", -1))
	return err
}

// errSessionEnded is why a request is cancelled whose session ended.
var errSessionEnded = errors.New("the session is over")

// during returns a context for a request that is cancelled when the session ends, so that streams end then. Call the function when the
// request is over.
func (s *sessions) during(ctx context.Context, sess session) (context.Context, func()) {
	ctx, stop := context.WithDeadlineCause(ctx, sess.Issued.Add(ageLimit), errSessionEnded)
	ctx, cancel := context.WithCancelCause(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live[sess.ID] == nil {
		s.live[sess.ID] = map[*context.CancelCauseFunc]struct{}{}
	}
	s.live[sess.ID][&cancel] = struct{}{}
	if s.ended.has(sess.ID, sess.Issued) { // it was ended after it was read
		cancel(errSessionEnded)
	}
	return ctx, func() {
		s.mu.Lock()
		delete(s.live[sess.ID], &cancel)
		if len(s.live[sess.ID]) == 0 {
			delete(s.live, sess.ID)
		}
		s.mu.Unlock()
		cancel(nil)
		stop()
	}
}

// token returns the token that the forms of a session must send.
func (s *sessions) token(id string) string {
	mac := hmac.New(sha256.New, s.csrfKey)
	mac.Write([]byte(id))
	return hex.EncodeToString(mac.Sum(nil))
}

func (s *sessions) validToken(id, token string) bool {
	return hmac.Equal([]byte(s.token(id)), []byte(token))
}
