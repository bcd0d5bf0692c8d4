package access

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// login serves the login page and its form.
func (a *Access) login(w http.ResponseWriter, r *http.Request, p peer) {
	next := local(r.FormValue("next"))
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		if _, ok := a.sessions.read(r, p.place()); ok {
			http.Redirect(w, r, next, http.StatusSeeOther)
			return
		}
		problem := ""
		if r.URL.Query().Get("link") == "old" && !a.options.Protected() {
			problem = oldLinkText
		}
		a.loginPage(w, r, http.StatusOK, next, "", problem)
	case http.MethodPost:
		a.tryLogin(w, r, p, next)
	default:
		w.Header().Set("Allow", "GET, POST")
		a.refuse(w, r, http.StatusMethodNotAllowed, "method", "this page is shown, or its form is sent")
	}
}

// tryLogin serves the form of the login page. The form has no token, for there is no session yet. crossOrigin has refused a form that a page
// of another site sent.
func (a *Access) tryLogin(w http.ResponseWriter, r *http.Request, p peer, next string) {
	user := r.PostFormValue("username")
	ok, wait := a.attempt(r.Context(), p, user, r.PostFormValue("password"))
	if wait > 0 {
		seconds := int(wait.Seconds()) + 1
		w.Header().Set("Retry-After", fmt.Sprint(seconds))
		a.loginPage(w, r, http.StatusTooManyRequests, next, user, fmt.Sprintf("Too many wrong attempts. Try again in %d s.", seconds))
		return
	}
	if !ok {
		a.loginPage(w, r, http.StatusUnauthorized, next, user, "Wrong user name or password.")
		return
	}
	a.limiter.passed(p.address)
	a.letIn(w, r, p, user, byPassword, next)
}

// waitError reports that an address has to wait before its next attempt.
type waitError struct{ wait time.Duration }

func (e *waitError) Error() string { return "too many wrong attempts" }

// attempt checks a user name and a password. If the address has to wait, it does not check them and returns how long.
func (a *Access) attempt(ctx context.Context, p peer, user, password string) (ok bool, wait time.Duration) {
	counted := false
	begin := func() error {
		if wait := a.limiter.begin(p.address); wait > 0 {
			return &waitError{wait}
		}
		counted = true
		return nil
	}
	var err error
	if wait := a.limiter.wait(p.address); wait > 0 {
		return false, wait
	}
	if a.credentials == nil {
		err = begin()
	} else {
		ok, err = a.credentials.check(ctx, p.address, user, password, begin)
	}
	var early *waitError
	switch {
	case errors.As(err, &early):
		return false, early.wait
	case err != nil:
		return false, time.Second
	case ok && counted:
		a.limiter.passed(p.address)
		return true, 0
	case ok: // the same as what was right last: it was not counted, and the failures of the address are not forgotten
		return true, 0
	}
	a.reportFailure(p, user)
	return false, 0
}

// letIn begins a session for a visitor who has logged in, and sends the visitor to next.
func (a *Access) letIn(w http.ResponseWriter, r *http.Request, p peer, user, by, next string) {
	if err := a.sessions.write(w, p.place(), a.sessions.begin(user, by)); err != nil {
		a.log.Error("cannot begin a session", "error", err)
		http.Error(w, "cannot begin a session; the dashboard's log says why", http.StatusInternalServerError)
		return
	}
	a.log.Info("logged in", "user", user, "address", p.address.String())
	if a.options.LoggedIn != nil {
		a.options.LoggedIn(Visitor{Name: user, Address: p.address.String()}, by)
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// oldLink is where a browser is sent whose link is worthless.
const (
	oldLink     = "/login?link=old"
	oldLinkText = "This link has been used, or is too old."
)

// byToken logs in a visitor who has followed a link. A link works once.
func (a *Access) byToken(w http.ResponseWriter, r *http.Request, p peer) {
	w.Header().Set("Referrer-Policy", "no-referrer")
	id, until, ok := readLinkToken(a.options.LocalKey, r.URL.Query().Get("token"), a.now())
	if ok {
		// The link's ID is put into the list of ended sessions, which is also kept in the home: so the link stays worthless after a restart.
		first, err := a.sessions.ended.add("link "+id, until.Add(ageLimit))
		if err != nil {
			a.log.Error("cannot use a link", "error", err)
		}
		ok = first && err == nil
	}
	if !ok {
		a.limiter.failed(p.address)
		if strings.Contains(r.Header.Get("Accept"), "text/html") {
			// The browser goes to an address without the token, so that its history does not have the token.
			http.Redirect(w, r, oldLink, http.StatusSeeOther)
			return
		}
		a.loginPage(w, r, http.StatusUnauthorized, "/", "", oldLinkText)
		return
	}
	a.letIn(w, r, p, "local", byLink, "/")
}

// logout serves the button that ends a session.
func (a *Access) logout(w http.ResponseWriter, r *http.Request, p peer) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		a.refuse(w, r, http.StatusMethodNotAllowed, "method", "log out with the button of the page")
		return
	}
	if sess, ok := a.sessions.read(r, p.place()); ok {
		if !a.sessions.validToken(sess.ID, sentToken(r)) {
			a.refuse(w, r, http.StatusForbidden, "csrf", "this form is too old, or not ours; load the page again")
			return
		}
		if err := a.sessions.end(w, p.place(), sess); err != nil {
			a.log.Error("a session that was ended may count again after a restart", "error", err)
		}
	}
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// local returns next if it is a path of this dashboard, else "/". Somebody may send a visitor a link to the login page whose next is
// another site.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || !strings.HasPrefix(next, "/") ||
		strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t\x00") || strings.HasPrefix(u.Path, "//") || strings.HasPrefix(u.Path, "/login") {
		return "/"
	}
	return u.RequestURI()
}

func escape(s string) string { return url.QueryEscape(s) }

// loginPage sends the login page. It is made without the templates of the other pages, so that it works whatever happens to them.
func (a *Access) loginPage(w http.ResponseWriter, r *http.Request, code int, next, user, problem string) {
	at := func(path string) string { return html.EscapeString(At(r.Context(), path)) }
	alert := ""
	if problem != "" {
		alert = `<p class="notice bad" role="alert">` + html.EscapeString(problem) + `</p>`
	}
	form, link := "", ""
	if a.credentials != nil {
		form = fmt.Sprintf(`<form class="card form" method="post" action="%s">
<input type="hidden" name="next" value="%s">
<label>User name <input name="username" value="%s" autocomplete="username" autocapitalize="none" required autofocus></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button class="primary">Log in</button>
</form>`, at("/login"), html.EscapeString(next), html.EscapeString(user))
	}
	if a.issuer != nil {
		link = fmt.Sprintf(`<p><a class="button primary" href="%s?next=%s">Log in with %s</a></p>`,
			at("/oidc/login"), url.QueryEscape(next), html.EscapeString(hostOfURL(a.options.OIDC.Issuer)))
	}
	if !a.options.Protected() {
		link = "<p>This dashboard is for whom the home belongs to. <code>hermes dashboard link</code> prints a link that logs you in.</p>"
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	fmt.Fprintf(w, `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Log in · hermes</title>
<link rel="icon" type="image/svg+xml" href="%s">
<link rel="stylesheet" href="%s">
<script src="%s"></script>
</head>
<body>
<main class="login">
<h1 class="brand"><span class="wing" aria-hidden="true"></span>hermes</h1>
%s
%s%s
</main>
</body>
</html>
`, at("/static/icon.svg"), at("/static/app.css"), at("/static/theme.js"), alert, form, link)
}

func hostOfURL(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host
}
