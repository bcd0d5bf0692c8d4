package access

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	// issuerWithin is how long the issuer may take to answer a request.
	issuerWithin = 10 * time.Second
	// flowWithin is how long a visitor may take to log in at the issuer.
	flowWithin = 10 * time.Minute

	callbackPath = "/oidc/callback"
	flowCookie   = "hermes-login"
)

// OIDC is an OpenID Connect issuer that may vouch for visitors.
type OIDC struct {
	Issuer       string
	ClientID     string
	ClientSecret string // secret; "" for a public client
	// Allowed are the e-mail addresses and the subjects of those who are let in.
	Allowed []string
	// PublicURL is the dashboard's address, to which the issuer sends visitors back.
	PublicURL string
}

func (o OIDC) on() bool { return o.Issuer != "" }

func (o OIDC) check() error {
	if !o.on() {
		return nil
	}
	u, err := url.Parse(o.Issuer)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return &VariableError{"HERMES_DASHBOARD_OIDC_ISSUER: want an address like https://accounts.example.org"}
	case o.ClientID == "":
		return &VariableError{"HERMES_DASHBOARD_OIDC_ISSUER is set and HERMES_DASHBOARD_OIDC_CLIENT_ID is not"}
	case len(o.Allowed) == 0:
		return &VariableError{"HERMES_DASHBOARD_OIDC_ISSUER is set and HERMES_DASHBOARD_OIDC_ALLOWED is not: it names the e-mail addresses that are let in"}
	case o.PublicURL == "":
		return &VariableError{"HERMES_DASHBOARD_OIDC_ISSUER is set and HERMES_DASHBOARD_PUBLIC_URL is not: the issuer sends visitors back there"}
	}
	return nil
}

// allows reports whether Allowed has an e-mail address or a subject.
func (o OIDC) allows(user string) bool {
	return slices.ContainsFunc(o.Allowed, func(x string) bool {
		if strings.Contains(x, "@") {
			return strings.EqualFold(x, user)
		}
		return x == user
	})
}

// issuer asks the issuer. It does so first when a visitor wants to log in, so that the dashboard can start while the issuer is down.
type issuer struct {
	options OIDC
	client  *http.Client

	mu       sync.Mutex
	provider *oidc.Provider
}

func newIssuer(o OIDC) *issuer {
	return &issuer{options: o, client: &http.Client{Timeout: issuerWithin, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, IdleConnTimeout: time.Second}}}
}

// flow returns what a login needs. The first call asks the issuer; its answer is kept.
func (i *issuer) flow() (*oauth2.Config, *oidc.Provider, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.provider == nil {
		// The provider keeps the context and fetches keys with it later, so it must not end with a request.
		p, err := oidc.NewProvider(oidc.ClientContext(context.Background(), i.client), i.options.Issuer)
		if err != nil {
			return nil, nil, fmt.Errorf("the issuer %s does not answer as one: %w", i.options.Issuer, err)
		}
		i.provider = p
	}
	return &oauth2.Config{
		ClientID: i.options.ClientID, ClientSecret: i.options.ClientSecret, Endpoint: i.provider.Endpoint(),
		RedirectURL: strings.TrimRight(i.options.PublicURL, "/") + callbackPath, Scopes: []string{oidc.ScopeOpenID, "email"},
	}, i.provider, nil
}

// pending is a login that has begun. It is kept in the visitor's browser, in a cookie that only the dashboard can read.
type pending struct {
	State, Nonce, Verifier, Next string
	Until                        time.Time
}

// toIssuer begins a login and sends the visitor to the issuer.
func (a *Access) toIssuer(w http.ResponseWriter, r *http.Request, p peer) {
	config, _, err := a.issuer.flow()
	if err != nil {
		a.log.Error("cannot log anybody in", "error", err)
		a.loginPage(w, r, http.StatusBadGateway, local(r.FormValue("next")), "", "The issuer of logins does not answer. Try again in a moment.")
		return
	}
	flow := pending{rand.Text(), rand.Text(), oauth2.GenerateVerifier(), local(r.FormValue("next")), a.now().Add(flowWithin)}
	data, err := json.Marshal(flow)
	if err != nil {
		a.refuse(w, r, http.StatusInternalServerError, "internal", "cannot begin a login")
		return
	}
	value := base64.RawURLEncoding.EncodeToString(a.sessions.box.Seal(nil, nil, data, []byte(flowCookie)))
	a.setFlow(w, p.tls, value, int(flowWithin/time.Second))
	http.Redirect(w, r, config.AuthCodeURL(flow.State, oidc.Nonce(flow.Nonce), oauth2.S256ChallengeOption(flow.Verifier)), http.StatusSeeOther)
}

// setFlow sets the cookie of a login. A negative age removes it.
func (a *Access) setFlow(w http.ResponseWriter, tls bool, value string, age int) {
	http.SetCookie(w, &http.Cookie{Name: flowCookie, Value: value, Path: a.options.base + "/oidc/", MaxAge: age, HttpOnly: true, Secure: tls, SameSite: http.SameSiteLaxMode})
}

// fromIssuer serves the visitor whom the issuer sends back. It begins a session if the issuer vouches for the visitor and Allowed names
// them.
func (a *Access) fromIssuer(w http.ResponseWriter, r *http.Request, p peer) {
	flow, err := a.pendingOf(r)
	a.setFlow(w, p.tls, "", -1)
	user := ""
	if err == nil {
		user, err = a.vouchedFor(r, flow)
	}
	if err != nil {
		a.limiter.failed(p.address)
		a.log.Warn("a login failed", "address", p.address.String(), "error", err)
		text := "The login failed. The dashboard's log says why."
		var stranger *strangerError
		if errors.As(err, &stranger) {
			text = "You are not among those who may use this dashboard."
		}
		a.loginPage(w, r, http.StatusForbidden, flow.Next, "", text)
		return
	}
	a.letIn(w, r, p, user, byIssuer, flow.Next)
}

// strangerError reports a visitor for whom the issuer vouches and whom Allowed does not name.
type strangerError struct{ subject string }

func (e *strangerError) Error() string {
	return fmt.Sprintf("HERMES_DASHBOARD_OIDC_ALLOWED does not name this visitor (subject %q)", e.subject)
}

// pendingOf reads the cookie of a login.
func (a *Access) pendingOf(r *http.Request) (pending, error) {
	var flow pending
	c, err := r.Cookie(flowCookie)
	if err != nil {
		return flow, errors.New("the visitor did not begin the login here, or not in this browser")
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(c.Value)
	if err != nil {
		return flow, errors.New("the cookie of the login is not ours")
	}
	data, err := a.sessions.box.Open(nil, nil, sealed, []byte(flowCookie))
	if err != nil || json.Unmarshal(data, &flow) != nil {
		return pending{}, errors.New("the cookie of the login is not ours")
	}
	if a.now().After(flow.Until) {
		return pending{}, errors.New("the login took too long")
	}
	return flow, nil
}

// vouchedFor gets the visitor's ID token from the issuer, checks it, and returns the e-mail address or the subject in it.
func (a *Access) vouchedFor(r *http.Request, flow pending) (string, error) {
	if !same(r.URL.Query().Get("state"), flow.State) {
		return "", errors.New("the state is not that of the login")
	}
	if e := r.URL.Query().Get("error"); e != "" {
		return "", fmt.Errorf("the issuer refused: %.60q", e)
	}
	config, provider, err := a.issuer.flow()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(r.Context(), a.issuer.client), issuerWithin)
	defer cancel()
	token, err := config.Exchange(ctx, r.URL.Query().Get("code"), oauth2.VerifierOption(flow.Verifier))
	if err != nil {
		var refused *oauth2.RetrieveError
		if errors.As(err, &refused) { // the text of err would be the issuer's whole answer
			return "", fmt.Errorf("the issuer does not take its own code: %.60q", refused.ErrorCode)
		}
		return "", err
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return "", errors.New("the issuer sent no ID token")
	}
	id, err := provider.Verifier(&oidc.Config{ClientID: config.ClientID, Now: a.now}).Verify(ctx, raw)
	if err != nil {
		return "", err
	}
	var claims struct {
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"`
	}
	switch err := id.Claims(&claims); {
	case err != nil:
		return "", err
	case !same(id.Nonce, flow.Nonce):
		return "", errors.New("the ID token is another login's")
	case claims.Verified && strings.Contains(claims.Email, "@") && a.options.OIDC.allows(claims.Email):
		return strings.ToLower(claims.Email), nil
	case !strings.Contains(id.Subject, "@") && a.options.OIDC.allows(id.Subject):
		return id.Subject, nil
	}
	return "", &strangerError{id.Subject}
}
