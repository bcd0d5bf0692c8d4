package dashboard

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"hermes/internal/fleet"
	"hermes/internal/logs"
	"hermes/internal/operate"
	"hermes/internal/profile"
	"hermes/internal/profile/config"
	"hermes/internal/service"
	"hermes/internal/store"
)

// apiRoute is one operation of the JSON API. openapi.yaml describes them under the same methods and paths.
type apiRoute struct {
	method, path string
	handle       func(*apiCall) (any, error)
}

// apiRoutes are all operations but the streams.
func (s *site) apiRoutes() []apiRoute {
	const one = "/api/v1/profiles/{name}"
	return []apiRoute{
		{"GET", "/api/v1/version", s.apiVersion},
		{"GET", "/api/v1/profiles", s.apiProfiles},
		{"POST", "/api/v1/profiles", s.apiCreate},
		{"GET", one, s.apiProfile},
		{"DELETE", one, s.apiDelete},
		{"POST", one + "/rename", s.apiRename},
		{"POST", one + "/start", s.apiAct(operate.Start)},
		{"POST", one + "/stop", s.apiAct(operate.Stop)},
		{"POST", one + "/restart", s.apiAct(operate.Restart)},
		{"POST", "/api/v1/all/stop", s.apiAll(operate.Stop)},
		{"POST", "/api/v1/all/restart", s.apiAll(operate.Restart)},
		{"GET", one + "/log", s.apiLog},
		{"GET", one + "/config", s.apiFile(config.Read)},
		{"PUT", one + "/config", s.apiSet("config")},
		{"GET", one + "/soul", s.apiFile(profile.Home.ReadSoul)},
		{"PUT", one + "/soul", s.apiSet("soul")},
		{"GET", one + "/variables", s.apiVariables},
		{"PUT", one + "/variables/{variable}", s.apiSet("variable")},
		{"DELETE", one + "/variables/{variable}", s.apiSet("remove")},
		{"GET", one + "/sessions", s.apiSessions},
		{"GET", one + "/sessions/{session}", s.apiTranscript},
		{"DELETE", one + "/sessions/{session}", s.apiForget},
		{"POST", one + "/sessions/prune", s.apiPrune},
		{"POST", one + "/chat", s.apiChat},
		{"GET", "/api/v1/activity", s.apiActivity},
		{"GET", "/api/v1/boot", s.apiBoot},
		{"GET", "/api/v1/doctor", s.apiDoctor(false)},
		{"POST", "/api/v1/doctor/fix", s.apiDoctor(true)},
	}
}

// api adds the JSON API.
func (s *site) api(mux *http.ServeMux) {
	for _, route := range s.apiRoutes() {
		mux.HandleFunc(route.method+" "+route.path, func(w http.ResponseWriter, r *http.Request) {
			v, err := route.handle(&apiCall{w: w, r: r, s: s})
			s.apiAnswer(w, r, v, err)
		})
	}
	mux.HandleFunc("GET /api/v1/openapi.json", s.openAPI)
	mux.HandleFunc("GET /api/v1/events", s.apiEvents)
	mux.HandleFunc("GET /api/v1/profiles/{name}/log/stream", s.apiLogStream)
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		s.apiAnswer(w, r, nil, &apiError{http.StatusNotFound, "not_found", "there is no such operation; /api/v1/openapi.json lists them", ""})
	})
}

// apiCall is one request to the API.
type apiCall struct {
	w http.ResponseWriter
	r *http.Request
	s *site
}

// apiError is an error that says what it is to a program.
type apiError struct {
	Status  int    `json:"-"`
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Detail  string `json:"detail,omitempty"`
}

func (e *apiError) Error() string { return e.Message }

// body reads the request's JSON: one object, with known fields only.
func (c *apiCall) body(to any) error {
	refuse := func(code int, kind, text string) error { return &apiError{code, kind, text, ""} }
	if kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return refuse(http.StatusUnsupportedMediaType, "media_type", "send application/json")
	}
	d := json.NewDecoder(c.r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return refuse(http.StatusBadRequest, "body", "the body is not what this operation takes: "+strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return refuse(http.StatusBadRequest, "body", "the body holds more than one value")
	}
	return nil
}

// name returns the profile of the path.
func (c *apiCall) name() (profile.Name, error) { return profile.ParseName(c.r.PathValue("name")) }

// gateway returns the gateway of the path's profile.
func (c *apiCall) gateway() (*fleet.Gateway, error) {
	n, err := c.name()
	if err != nil {
		return nil, err
	}
	g, ok := c.s.find(n)
	if !ok {
		return nil, &profile.NotFoundError{Name: n}
	}
	return g, nil
}

// errorOf turns an error into what programs are told. It is the one place that knows the codes.
func errorOf(err error, detail string) *apiError {
	var (
		already  *apiError
		name     *profile.NameError
		missing  *profile.NotFoundError
		unknown  *service.GatewayNotRegisteredError
		exists   *profile.ExistsError
		root     *profile.RootProfileError
		config   *profile.ConfigError
		changed  *profile.ChangedError
		notReady *service.NotReadyError
		notDown  *service.NotDownError
		session  *store.NoSessionError
		prune    *pruneError
	)
	e := &apiError{http.StatusInternalServerError, "internal", logText(err), printableLines(detail)}
	switch {
	case errors.As(err, &already):
		return already
	case errors.As(err, &name):
		e.Status, e.Kind = http.StatusUnprocessableEntity, "name"
	case errors.As(err, &missing), errors.As(err, &unknown), errors.As(err, &session):
		e.Status, e.Kind = http.StatusNotFound, "not_found"
	case errors.As(err, &exists):
		e.Status, e.Kind = http.StatusConflict, "exists"
	case errors.As(err, &root):
		e.Status, e.Kind = http.StatusUnprocessableEntity, "default_profile"
	case errors.As(err, &prune):
		e.Status, e.Kind = http.StatusUnprocessableEntity, "prune"
	case errors.As(err, &config):
		e.Status, e.Kind = http.StatusUnprocessableEntity, "config"
	case errors.As(err, &changed):
		e.Status, e.Kind = http.StatusPreconditionFailed, "changed"
	case errors.As(err, &notReady):
		e.Status, e.Kind = http.StatusConflict, "not_ready"
	case errors.As(err, &notDown):
		e.Status, e.Kind = http.StatusConflict, "not_down"
	case errors.Is(err, errNoControl):
		e.Status, e.Kind = http.StatusServiceUnavailable, "no_control"
	}
	return e
}

func (s *site) apiAnswer(w http.ResponseWriter, r *http.Request, v any, err error) {
	code := http.StatusOK
	if err != nil {
		e := errorOf(err, "")
		if e.Kind == "internal" {
			s.log.Error("an operation failed", "method", r.Method, "path", r.URL.Path, "error", err)
		}
		code, v = e.Status, map[string]any{"error": e}
	}
	data, err := json.Marshal(v)
	if err != nil {
		s.log.Error("cannot answer", "path", r.URL.Path, "error", err)
		code, data = http.StatusInternalServerError, []byte(`{"error":{"kind":"internal","message":"cannot answer"}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(append(data, '\n')) // the visitor may be gone
}

// doneView is the answer of an action.
type doneView struct {
	Message string `json:"message"`
	Detail  string `json:"detail,omitempty"`
}

// api is what came of an action, to programs.
func (o outcome) api() (any, error) {
	if o.Err != nil {
		return nil, errorOf(o.Err, o.More)
	}
	return doneView{o.Text, printableLines(o.More)}, nil
}

// gatewayView is what programs are told of a gateway.
type gatewayView struct {
	fleet.View
	Home     string           `json:"home"`
	Since    *time.Time       `json:"since,omitempty"`
	Counters profile.Counters `json:"counters"`
	GiveUps  int              `json:"give_ups"`
	History  []fleet.Change   `json:"history,omitempty"`
	Samples  []int64          `json:"memory_samples,omitempty"`
}

func viewOf(g *fleet.Gateway, whole bool) gatewayView {
	v := gatewayView{View: g.View, Home: g.Home.Dir, Counters: g.Counters, GiveUps: g.GiveUps}
	v.Reason = logs.Printable(v.Reason)
	if g.Up() {
		since := g.Since.UTC()
		v.Since, v.Uptime = &since, time.Since(g.Since).Truncate(time.Second).Seconds()
	}
	if whole {
		v.History, v.Samples = g.History, g.Samples
	}
	return v
}

func (s *site) apiProfiles(*apiCall) (any, error) {
	snap := s.fleet.Snapshot()
	if snap.Err != nil {
		return nil, &apiError{http.StatusServiceUnavailable, "unavailable", logText(snap.Err), ""}
	}
	list := make([]gatewayView, 0, len(snap.Gateways))
	for _, g := range snap.Gateways {
		list = append(list, viewOf(g, false))
	}
	type broken struct {
		Label string `json:"label"`
		Error string `json:"error"`
	}
	bad := make([]broken, 0, len(snap.Broken))
	for _, e := range snap.Broken {
		bad = append(bad, broken{logs.Printable(e.Label), logText(e.Err)})
	}
	return map[string]any{"profiles": list, "broken": bad, "manager": snap.Manager, "control": snap.Control}, nil
}

func (s *site) apiProfile(c *apiCall) (any, error) {
	g, err := c.gateway()
	if err != nil {
		return nil, err
	}
	return viewOf(g, true), nil
}

func (s *site) apiCreate(c *apiCall) (any, error) {
	var b struct {
		Name  string `json:"name"`
		From  string `json:"from"`
		Start bool   `json:"start"`
	}
	if err := c.body(&b); err != nil {
		return nil, err
	}
	return s.create(c.r.Context(), s.visitor(c.r), b.Name, b.From, b.Start).api()
}

func (s *site) apiDelete(c *apiCall) (any, error) {
	n, err := c.name()
	if err != nil {
		return nil, err
	}
	var b struct {
		Confirm string `json:"confirm"`
	}
	if err := c.body(&b); err != nil {
		return nil, err
	}
	if b.Confirm != n.String() {
		return nil, &apiError{http.StatusUnprocessableEntity, "confirm", fmt.Sprintf("confirm is not '%s': nothing is deleted", n), ""}
	}
	return s.remove(c.r.Context(), s.visitor(c.r), n).api()
}

func (s *site) apiRename(c *apiCall) (any, error) {
	n, err := c.name()
	if err != nil {
		return nil, err
	}
	var b struct {
		To string `json:"to"`
	}
	if err := c.body(&b); err != nil {
		return nil, err
	}
	return s.rename(c.r.Context(), s.visitor(c.r), n, b.To).api()
}

func (s *site) apiAct(action operate.Action) func(*apiCall) (any, error) {
	return func(c *apiCall) (any, error) {
		n, err := c.name()
		if err != nil {
			return nil, err
		}
		return s.act(c.r.Context(), s.visitor(c.r), n, action).api()
	}
}

func (s *site) apiAll(action operate.Action) func(*apiCall) (any, error) {
	return func(c *apiCall) (any, error) { return s.actAll(c.r.Context(), s.visitor(c.r), action).api() }
}
