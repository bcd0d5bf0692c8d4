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
	// idleLimit ends a session that nobody uses, ageLimit every session.
	idleLimit = 12 * time.Hour
	ageLimit  = 7 * 24 * time.Hour
	// renewEvery bounds how often a session's cookie is written anew.
	renewEvery = time.Minute
)

// session is what a cookie carries.
type session struct {
	ID     string    `json:"i"`
	User   string    `json:"u"`
	By     string    `json:"b"` // how the visitor came in: byPassword, byIssuer, byLink
	Issued time.Time `json:"t"`
	Seen   time.Time `json:"s"`
}

// The ways in.
const (
	byPassword = "password"
	byIssuer   = "oidc"
	byLink     = "link"
)

// sessions makes and reads the cookies. They carry everything, so none is kept here but those that were logged out.
type sessions struct {
	box     cipher.AEAD
	csrfKey []byte
	ended   *ended
	now     func() time.Time
	// may tells whether somebody who came in once still may.
	may func(session) bool

	mu   sync.Mutex
	live map[string]map[*context.CancelCauseFunc]struct{} // requests under way, by the ID of their session
}

// newSessions derives the keys from the secret and from the credentials: who changes the password ends every session.
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

// place is where a session counts: over TLS or not, and below a path.
type place struct {
	tls  bool
	base string // without a slash at the end
}

func (p peer) place() place { return place{p.tls, p.base} }

// cookieName is the session's cookie. Over TLS its prefix keeps other hosts from setting it, or at least pages without TLS
// (RFC 6265bis, 4.1.3): __Host- is for cookies of all paths only.
func (p place) cookieName() string {
	switch {
	case p.tls && p.base == "":
		return "__Host-hermes"
	case p.tls:
		return "__Secure-hermes"
	}
	return "hermes"
}

// sealedFor is authenticated with a cookie: it is good under its own name and path only.
func (p place) sealedFor() []byte { return []byte(p.cookieName() + p.base) }

// cookie returns the session's cookie. With a path of its own, other dashboards of the same origin have other cookies.
func (p place) cookie(value string, age int) *http.Cookie {
	return &http.Cookie{Name: p.cookieName(), Value: value, Path: cmp.Or(p.base, "/"), MaxAge: age, HttpOnly: true, Secure: p.tls, SameSite: http.SameSiteLaxMode}
}

// begin makes a session, with an ID that was never used.
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

// read returns the session of a request's cookie. One that is over is none. A browser sends the cookies of all paths above a
// page, which may have the same name.
func (s *sessions) read(r *http.Request, p place) (session, bool) {
	for _, c := range r.CookiesNamed(p.cookieName()) {
		if sess, ok := s.open(c, p); ok {
			return sess, true
		}
	}
	return session{}, false
}

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
	// One of the future would outlast what is remembered of it.
	if now.Sub(sess.Issued) > ageLimit || now.Sub(sess.Seen) > idleLimit || sess.Issued.Sub(now) > time.Hour {
		return session{}, false
	}
	return sess, true
}

// renew writes the cookie anew if that is due.
func (s *sessions) renew(w http.ResponseWriter, p place, sess session) {
	if now := s.now().UTC(); now.Sub(sess.Seen) > renewEvery {
		sess.Seen = now
		_ = s.write(w, p, sess) // the old one is still good
	}
}

// end makes a session worthless, ends what goes on in it, and removes its cookie. The error is about whether that outlives this
// process.
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

var errSessionEnded = errors.New("the session is over")

// during returns a context of a request that ends with its session, for streams.
func (s *sessions) during(ctx context.Context, sess session) (context.Context, func()) {
	ctx, stop := context.WithDeadlineCause(ctx, sess.Issued.Add(ageLimit), errSessionEnded)
	ctx, cancel := context.WithCancelCause(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live[sess.ID] == nil {
		s.live[sess.ID] = map[*context.CancelCauseFunc]struct{}{}
	}
	s.live[sess.ID][&cancel] = struct{}{}
	if s.ended.has(sess.ID, sess.Issued) { // since it was read
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

// token returns what forms of a session must carry.
func (s *sessions) token(id string) string {
	mac := hmac.New(sha256.New, s.csrfKey)
	mac.Write([]byte(id))
	return hex.EncodeToString(mac.Sum(nil))
}

func (s *sessions) validToken(id, token string) bool {
	return hmac.Equal([]byte(s.token(id)), []byte(token))
}
