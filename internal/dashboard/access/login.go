package access

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
)

// login serves the login page and its form.
func (a *Access) login(w http.ResponseWriter, r *http.Request, p peer) {
	next := local(r.FormValue("next"))
	if !a.config.Protected() {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		if _, ok := a.sessions.read(r, p.tls); ok {
			http.Redirect(w, r, next, http.StatusSeeOther)
			return
		}
		a.loginPage(w, http.StatusOK, next, "", "")
	case http.MethodPost:
		a.tryLogin(w, r, p, next)
	default:
		w.Header().Set("Allow", "GET, POST")
		a.refuse(w, r, http.StatusMethodNotAllowed, "method", "this page is shown, or its form is sent")
	}
}

// tryLogin needs no token: it is no session's, and a login that another page forces is refused by its origin.
func (a *Access) tryLogin(w http.ResponseWriter, r *http.Request, p peer, next string) {
	user := r.PostFormValue("username")
	if wait := a.limiter.wait(p.address); wait > 0 {
		seconds := int(wait.Seconds()) + 1
		w.Header().Set("Retry-After", fmt.Sprint(seconds))
		a.loginPage(w, http.StatusTooManyRequests, next, user, fmt.Sprintf("Too many wrong attempts. Try again in %d s.", seconds))
		return
	}
	if a.credentials == nil || !a.credentials.check(r.Context(), user, r.PostFormValue("password")) {
		a.failed(p, user)
		a.loginPage(w, http.StatusUnauthorized, next, user, "Wrong user name or password.")
		return
	}
	a.limiter.passed(p.address)
	a.letIn(w, r, p, user, next)
}

// letIn begins a session.
func (a *Access) letIn(w http.ResponseWriter, r *http.Request, p peer, user, next string) {
	if err := a.sessions.write(w, p.tls, a.sessions.begin(user)); err != nil {
		a.log.Error("cannot begin a session", "error", err)
		http.Error(w, "cannot begin a session; the dashboard's log says why", http.StatusInternalServerError)
		return
	}
	a.log.Info("logged in", "user", user, "address", p.address.String())
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// logout ends a session.
func (a *Access) logout(w http.ResponseWriter, r *http.Request, p peer) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		a.refuse(w, r, http.StatusMethodNotAllowed, "method", "log out with the button of the page")
		return
	}
	if sess, ok := a.sessions.read(r, p.tls); ok {
		if !a.sessions.validToken(sess.ID, sentToken(r)) {
			a.refuse(w, r, http.StatusForbidden, "csrf", "this form is too old, or not ours; load the page again")
			return
		}
		a.sessions.end(w, p.tls, sess)
	}
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// local returns a path of this dashboard, "/" in place of anything else: a link must not lead elsewhere after the login.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || !strings.HasPrefix(next, "/") ||
		strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t\x00") || strings.HasPrefix(u.Path, "//") || strings.HasPrefix(u.Path, "/login") {
		return "/"
	}
	return u.RequestURI()
}

func escape(s string) string { return url.QueryEscape(s) }

// loginPage is made of plain text: it must work whatever happens to the rest.
func (a *Access) loginPage(w http.ResponseWriter, code int, next, user, problem string) {
	alert := ""
	if problem != "" {
		alert = `<p class="notice bad" role="alert">` + html.EscapeString(problem) + `</p>`
	}
	form, link := "", ""
	if a.credentials != nil {
		form = fmt.Sprintf(`<form class="card form" method="post" action="/login">
<input type="hidden" name="next" value="%s">
<label>User name <input name="username" value="%s" autocomplete="username" autocapitalize="none" required autofocus></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button class="primary">Log in</button>
</form>`, html.EscapeString(next), html.EscapeString(user))
	}
	if a.issuer != nil {
		link = fmt.Sprintf(`<p><a class="button primary" href="/oidc/login?next=%s">Log in with %s</a></p>`,
			url.QueryEscape(next), html.EscapeString(hostOfURL(a.config.OIDC.Issuer)))
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
<link rel="icon" type="image/svg+xml" href="/static/icon.svg">
<link rel="stylesheet" href="/static/app.css">
<script src="/static/theme.js"></script>
</head>
<body>
<main class="login">
<h1 class="brand"><span class="wing" aria-hidden="true"></span>hermes</h1>
%s
%s%s
</main>
</body>
</html>
`, alert, form, link)
}

func hostOfURL(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host
}
