package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"

	"hermes/internal/httpguard"
)

const (
	// maxBody is the largest body of a request, in bytes.
	maxBody = 1 << 20
	// bodyStall is how long a visitor may pause in a request, bodyWithin how long all of it may take.
	bodyStall  = 5 * time.Second
	bodyWithin = 20 * time.Second
	// maxBodies is how much of requests is held at a time.
	maxBodies = 128 << 20
	// writeWithin is how long a visitor may take to accept a piece of an answer.
	writeWithin = 15 * time.Second
)

// Access lets visitors in, or not.
type Access struct {
	options     Options
	log         *slog.Logger
	sessions    *sessions
	credentials *credentials
	limiter     *limiter
	origins     *http.CrossOriginProtection
	issuer      *issuer // nil if there is none
	now         func() time.Time
	bodies      httpguard.Bodies
}

// New returns the access that a configuration describes.
func New(o Options, log *slog.Logger) (*Access, error) { return build(o, log, bcrypt.DefaultCost) }

func build(o Options, log *slog.Logger, cost int) (*Access, error) {
	a := &Access{options: o, log: log, now: time.Now, limiter: newLimiter(time.Now), origins: http.NewCrossOriginProtection(),
		bodies: httpguard.Bodies{Max: maxBody, Stall: bodyStall, Within: bodyWithin, Together: maxBodies}}
	var err error
	if a.sessions, err = newSessions(o, time.Now); err != nil {
		return nil, err
	}
	if o.OIDC.on() {
		a.issuer = newIssuer(o.OIDC)
	}
	if o.password() {
		a.credentials, err = newCredentials(o, cost)
	}
	if origin := o.ownOrigin(); err == nil && origin != "" {
		err = a.origins.AddTrustedOrigin(origin) // a proxy may pass on another Host
	}
	return a, err
}

// Visitor is who sent a request that was let in.
type Visitor struct {
	Name    string
	Address string
	// CSRF is what the visitor's forms must carry, in the field csrf_token or the header X-CSRF-Token.
	CSRF string
	// LogsIn tells whether the visitor can log out.
	LogsIn bool
}

type visitorKey struct{}

// VisitorOf returns who sent a request.
func VisitorOf(ctx context.Context) Visitor {
	v, _ := ctx.Value(visitorKey{}).(Visitor)
	return v
}

// paths tells how a path is guarded: public ones show nothing of anybody; relayed ones are guarded by the gateways'
// own keys, whoever asks.
func public(path string) bool {
	return path == "/health" || path == "/ready" || path == "/login" || strings.HasPrefix(path, "/static/")
}

func relayed(path string) bool { return strings.HasPrefix(path, "/p/") }

// Guard lets through to next who may pass.
func (a *Access) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := a.from(r)
		r = below(r, p.base)
		defer httpguard.Begin(w, r)()
		w = httpguard.Paced(w, writeWithin)
		if p.base != "" {
			w = &based{ResponseWriter: w, base: p.base}
		}
		headers(w.Header(), r.URL.Path, p.tls)
		if err != nil {
			a.refuse(w, r, http.StatusBadRequest, "proxy", err.Error())
			return
		}
		if !a.allowedHost(p.host) {
			a.refuse(w, r, http.StatusMisdirectedRequest, "host", "the dashboard does not answer under this name; "+a.hostHelp())
			return
		}
		r.Host = p.host
		if relayed(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		if err := a.crossOrigin(r); err != nil {
			a.refuse(w, r, http.StatusForbidden, "origin", "another page sent this request; open the dashboard itself")
			return
		}
		release, err := a.takeBody(w, r)
		defer release()
		if err != nil {
			code := http.StatusBadRequest
			var refused *httpguard.BodyError
			if errors.As(err, &refused) {
				code = refused.Status
			}
			a.refuse(w, r, code, "body", err.Error())
			return
		}
		switch {
		case r.URL.Path == "/login":
			a.login(w, r, p)
		case r.URL.Path == "/logout":
			a.logout(w, r, p)
		case a.issuer != nil && r.URL.Path == "/oidc/login":
			a.toIssuer(w, r, p)
		case a.issuer != nil && r.URL.Path == callbackPath:
			a.fromIssuer(w, r, p)
		case public(r.URL.Path):
			next.ServeHTTP(w, r)
		default:
			a.enter(w, r, p, next)
		}
	})
}

func (a *Access) hostHelp() string {
	if !a.options.Protected() {
		return "without credentials it answers on loopback only"
	}
	return "HERMES_DASHBOARD_ALLOWED_HOSTS names those under which it does"
}

// enter lets in who has a session or the credentials.
func (a *Access) enter(w http.ResponseWriter, r *http.Request, p peer, next http.Handler) {
	v := Visitor{Address: p.address.String()}
	form := "" // whose token a request that changes something must carry; "" for programs, which no page can send
	if !a.options.Protected() && (!p.address.IsLoopback() || p.unknown) {
		a.refuse(w, r, http.StatusForbidden, "address", "without credentials the dashboard answers visitors of this machine only")
		return
	}
	switch {
	case r.Header.Get("Authorization") != "":
		name, ok := a.authorized(w, r, p)
		if !ok {
			return
		}
		v.Name = name
	case !a.options.Protected() && r.URL.Query().Has("token") && r.URL.Path == "/" && r.Method == http.MethodGet:
		a.byToken(w, r, p)
		return
	default:
		sess, ok := a.sessions.read(r, p.place())
		if !ok {
			a.unauthorized(w, r)
			return
		}
		ctx, done := a.sessions.during(r.Context(), sess)
		defer done()
		r = r.WithContext(ctx)
		a.sessions.renew(w, p.place(), sess)
		v.Name, v.LogsIn, form = sess.User, true, sess.ID
	}
	if form != "" {
		v.CSRF = a.sessions.token(form)
		if !safe(r.Method) && !a.sessions.validToken(form, sentToken(r)) {
			a.refuse(w, r, http.StatusForbidden, "csrf", "this form is too old, or not ours; load the page again")
			return
		}
	}
	next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitorKey{}, v)))
}

// authorized checks the header that programs send.
func (a *Access) authorized(w http.ResponseWriter, r *http.Request, p peer) (name string, ok bool) {
	user, password, basic := r.BasicAuth()
	if basic && a.credentials != nil {
		ok, wait := a.attempt(r.Context(), p, user, password)
		switch {
		case wait > 0:
			a.tooMany(w, r, wait)
		case !ok:
			a.unauthorized(w, r)
		}
		return user, ok
	}
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	// Nobody guesses the home's key. Who else uses the machine has the same address, and must not lock its owner out.
	if bearer && !a.options.Protected() && a.options.LocalKey != "" && same(token, a.options.LocalKey) {
		return "local", true
	}
	// A token is checked at once, so it counts when it is wrong.
	if wait := a.limiter.wait(p.address); wait > 0 {
		a.tooMany(w, r, wait)
		return "", false
	}
	if bearer && a.options.MetricsToken != "" && same(token, a.options.MetricsToken) && r.URL.Path == "/metrics" && safe(r.Method) {
		return "metrics", true
	}
	a.limiter.failed(p.address)
	a.reportFailure(p, user)
	a.unauthorized(w, r)
	return "", false
}

// reportFailure reports an attempt that was wrong. What was given as a name is not logged: it may be a password in
// the wrong place.
func (a *Access) reportFailure(p peer, user string) {
	a.log.Warn("a login failed", "address", p.address.String(), "known_user", user != "" && same(user, a.options.Username))
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

func sentToken(r *http.Request) string {
	if t := r.Header.Get("X-CSRF-Token"); t != "" {
		return t
	}
	return r.PostFormValue("csrf_token")
}

// crossOrigin refuses what a page of another origin sends: changes (Fetch Metadata, or Origin), and reads that are not
// a visitor's going to a page, such as a stream of events.
func (a *Access) crossOrigin(r *http.Request) error {
	if err := a.origins.Check(r); err != nil {
		return err
	}
	if r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.Header.Get("Sec-Fetch-Mode") != "navigate" && !strings.HasPrefix(r.URL.Path, "/static/") {
		return errors.New("a page of another site asks")
	}
	if o := r.Header.Get("Origin"); o != "" && r.Header.Get("Sec-Fetch-Site") == "" && o != "http://"+r.Host && o != "https://"+r.Host && o != a.options.ownOrigin() {
		return errors.New("the origin is another")
	}
	return nil
}

// takeBody reads a request's body, so that nobody waits for a slow one later, and nobody else has to bound it.
func (a *Access) takeBody(w http.ResponseWriter, r *http.Request) (release func(), err error) {
	if release, err = a.bodies.Take(w, r); err != nil {
		return release, err
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && kind == "application/x-www-form-urlencoded" && !safe(r.Method) {
		if err := r.ParseForm(); err != nil {
			return release, errors.New("the form cannot be read")
		}
	}
	return release, nil
}

// unauthorized sends a browser to the login page, and tells everybody else.
func (a *Access) unauthorized(w http.ResponseWriter, r *http.Request) {
	next := "/login"
	if safe(r.Method) {
		next += "?next=" + escape(r.URL.RequestURI())
	}
	switch {
	case r.Header.Get("HX-Request") == "true":
		w.Header().Set("HX-Redirect", "/login")
		http.Error(w, "log in again", http.StatusUnauthorized)
	case safe(r.Method) && strings.Contains(r.Header.Get("Accept"), "text/html"):
		http.Redirect(w, r, next, http.StatusSeeOther)
	default:
		if r.Header.Get("Sec-Fetch-Mode") == "" && a.options.Protected() { // a browser would ask by itself
			w.Header().Set("WWW-Authenticate", `Basic realm="hermes", charset="UTF-8"`)
		}
		a.refuse(w, r, http.StatusUnauthorized, "unauthorized", a.wayIn())
	}
}

// wayIn says what lets a program in.
func (a *Access) wayIn() string {
	if !a.options.Protected() {
		return "log in with a link that `hermes dashboard link` prints, or send the key of the home as a bearer token"
	}
	return "log in with the dashboard's user name and password"
}

func (a *Access) tooMany(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	seconds := int(wait/time.Second) + 1
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	a.refuse(w, r, http.StatusTooManyRequests, "too_many", fmt.Sprintf("too many wrong attempts; try again in %d s", seconds))
}

// refuse says why, as JSON to programs.
func (a *Access) refuse(w http.ResponseWriter, r *http.Request, code int, kind, text string) {
	if strings.Contains(r.Header.Get("Accept"), "text/html") || r.Header.Get("HX-Request") == "true" {
		http.Error(w, text, code)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"kind": kind, "message": text}}) // the visitor may be gone
}

// policy is what pages may do: show and ask what comes from here.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func headers(h http.Header, path string, tls bool) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if !strings.HasPrefix(path, "/static/") {
		h.Set("Cache-Control", "no-store")
	}
	if tls {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}
