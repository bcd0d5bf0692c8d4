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
	// bodyStall is how long a visitor may pause while sending a body, and bodyWithin how long the whole body may take.
	bodyStall  = 5 * time.Second
	bodyWithin = 20 * time.Second
	// maxBodies is how much of all requests' bodies together is held in memory, in bytes.
	maxBodies = 128 << 20
	// writeWithin is how long a visitor may take to accept a piece of an answer before the connection is closed.
	writeWithin = 15 * time.Second
)

// Access decides for each request whether it is let through.
type Access struct {
	options     Options
	log         *slog.Logger
	sessions    *sessions
	credentials *credentials
	limiter     *limiter
	origins     *http.CrossOriginProtection
	issuer      *issuer // nil without OpenID Connect
	now         func() time.Time
	bodies      httpguard.Bodies
}

// New returns the access that the options describe.
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
		err = a.origins.AddTrustedOrigin(origin) // a proxy may send another Host than the browser did
	}
	return a, err
}

// Visitor is who sent a request that was let in.
type Visitor struct {
	Name    string
	Address string
	// CSRF is the token that every request of a form must have, in the field csrf_token or the header X-CSRF-Token. It is "" for
	// programs, which need none.
	CSRF string
	// LogsIn tells whether the visitor has a session, and so can log out.
	LogsIn bool
}

type visitorKey struct{}

// VisitorOf returns who sent a request.
func VisitorOf(ctx context.Context) Visitor {
	v, _ := ctx.Value(visitorKey{}).(Visitor)
	return v
}

// public reports whether everybody may see a path. Such a path shows nothing about profiles or visitors.
func public(path string) bool {
	return path == "/health" || path == "/ready" || path == "/login" || strings.HasPrefix(path, "/static/")
}

// relayed reports whether a path leads to a gateway. The gateway's own key guards it, whoever asks.
func relayed(path string) bool { return strings.HasPrefix(path, "/p/") }

// Guard returns a handler that passes those requests on to next that may pass. In this order it finds out where a request comes from,
// refuses names under which the dashboard does not answer, passes on what is for gateways, refuses what a page of another site sent,
// reads the body, and then logs visitors in or out or asks who they are.
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

// hostHelp says under which names the dashboard answers.
func (a *Access) hostHelp() string {
	if !a.options.Protected() {
		return "without credentials it answers on loopback only"
	}
	return "HERMES_DASHBOARD_ALLOWED_HOSTS names those under which it does"
}

// enter passes a request on to next if it has a session or credentials. If it has a link's token, a session begins.
func (a *Access) enter(w http.ResponseWriter, r *http.Request, p peer, next http.Handler) {
	v := Visitor{Address: p.address.String()}
	// form is the session whose token a request must have that changes something. It is "" for programs: a page cannot make a browser
	// send their credentials.
	form := ""
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

// authorized checks the Authorization header, which programs send. If it is wrong, the request is answered, and ok is false.
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
	// The home's key is too long to be guessed, so wrong ones need not be slowed down before this check. Another user of the machine, who
	// has the same address, cannot lock the home's owner out.
	if bearer && !a.options.Protected() && a.options.LocalKey != "" && same(token, a.options.LocalKey) {
		return "local", true
	}
	// Checking a token takes no time. So an attempt is counted after it was wrong, and not before it is made, as with passwords.
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

// reportFailure logs a wrong attempt. It does not log the name that was given: somebody may have typed the password there.
func (a *Access) reportFailure(p peer, user string) {
	a.log.Warn("a login failed", "address", p.address.String(), "known_user", user != "" && same(user, a.options.Username))
}

// safe reports whether requests with this method change nothing.
func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// sentToken returns the token that a request has from a form or from the page's script.
func sentToken(r *http.Request) string {
	if t := r.Header.Get("X-CSRF-Token"); t != "" {
		return t
	}
	return r.PostFormValue("csrf_token")
}

// crossOrigin returns an error if a page of another origin sent the request, as far as the browser tells (Fetch Metadata, or Origin). A
// visitor may follow a link to the dashboard from anywhere, so going to a page is allowed. Changes and other reads, such as a stream of
// events, are not.
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

// takeBody reads a request's whole body, within limits of size and time. So no handler has to set limits, or waits for a slow visitor.
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

// unauthorized answers a request without credentials: a browser is sent to the login page, and a program is told how to log in.
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
		// Only a program is told so by header: a browser would open a window of its own that asks for a password.
		if r.Header.Get("Sec-Fetch-Mode") == "" && a.options.Protected() {
			w.Header().Set("WWW-Authenticate", `Basic realm="hermes", charset="UTF-8"`)
		}
		a.refuse(w, r, http.StatusUnauthorized, "unauthorized", a.wayIn())
	}
}

// wayIn says how a program logs in.
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

// refuse answers why a request is refused: as text to a browser, as JSON to a program.
func (a *Access) refuse(w http.ResponseWriter, r *http.Request, code int, kind, text string) {
	if strings.Contains(r.Header.Get("Accept"), "text/html") || r.Header.Get("HX-Request") == "true" {
		http.Error(w, text, code)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"kind": kind, "message": text}}) // the visitor may be gone
}

// policy is the content security policy: pages may load files from the dashboard only, and send requests to the dashboard only.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// headers sets what every answer of the dashboard has.
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
