package api

import (
	"encoding/json"
	"log/slog"
	"net/http"

	_ "embed" // the description of the API

	"go.yaml.in/yaml/v3"

	"hermes/internal/dashboard/access"
	"hermes/internal/dashboard/backend"
	"hermes/internal/dashboard/stream"
)

// Document describes the API. Its only server is "/".
//
//go:embed openapi.yaml
var Document []byte

// operation is one operation of the API that is answered at once. The streams are served apart.
type operation struct {
	method, path string
	handle       func(*call) (any, error)
}

// oneProfile is the path of one profile.
const oneProfile = "/api/v1/profiles/{name}"

// API serves the operations.
type API struct {
	operations []operation
	events     events
	answerer   answerer
}

// New returns the API of one dashboard.
func New(b *backend.Backend, streams *stream.Streams, log *slog.Logger) *API {
	a := &API{answerer: answerer{log}}
	a.events = events{gateways: b.Gateways, streams: streams, answerer: a.answerer}
	a.operations = append(a.operations, profiles{fleet: b.Fleet, gateways: b.Gateways, actions: b.Actions}.operations()...)
	a.operations = append(a.operations, files{gateways: b.Gateways, actions: b.Actions}.operations()...)
	a.operations = append(a.operations, sessions{gateways: b.Gateways, actions: b.Actions, chat: b.Chat}.operations()...)
	a.operations = append(a.operations, records{store: b.Store, fleet: b.Fleet, gateways: b.Gateways, logs: b.Logs, journals: b.Journals, doctor: b.Doctor}.operations()...)
	return a
}

// Operations returns the methods and paths of all operations but the streams and the description.
func (a *API) Operations() []string {
	var list []string
	for _, o := range a.operations {
		list = append(list, o.method+" "+o.path)
	}
	return list
}

// Register adds the API to a mux.
func (a *API) Register(mux *http.ServeMux) {
	for _, o := range a.operations {
		mux.HandleFunc(o.method+" "+o.path, func(w http.ResponseWriter, r *http.Request) {
			v, err := o.handle(&call{r})
			a.answerer.answer(w, r, v, err)
		})
	}
	mux.HandleFunc("GET /api/v1/openapi.json", a.document)
	mux.HandleFunc("GET /api/v1/events", a.events.gatewayEvents)
	mux.HandleFunc("GET "+oneProfile+"/log/stream", a.events.log)
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		a.answerer.answer(w, r, nil, &callError{http.StatusNotFound, "not_found", "there is no such operation; /api/v1/openapi.json lists them", ""})
	})
}

// document sends the description of the API. Its server is the address under which the visitor finds the dashboard.
func (a *API) document(w http.ResponseWriter, r *http.Request) {
	var doc map[string]any
	err := yaml.Unmarshal(Document, &doc)
	if err != nil {
		a.answerer.answer(w, r, nil, err)
		return
	}
	doc["servers"] = []map[string]string{{"url": access.At(r.Context(), "/")}}
	a.answerer.answer(w, r, doc, nil)
}

// answerer sends answers.
type answerer struct{ log *slog.Logger }

// answer sends v as JSON, or the error if there is one.
func (a answerer) answer(w http.ResponseWriter, r *http.Request, v any, err error) {
	code := http.StatusOK
	if err != nil {
		e := errorOf(err, "")
		if e.Kind == "internal" {
			a.log.Error("an operation failed", "method", r.Method, "path", r.URL.Path, "error", err)
		}
		code, v = e.Status, map[string]any{"error": e}
	}
	data, err := json.Marshal(v)
	if err != nil {
		a.log.Error("cannot answer", "path", r.URL.Path, "error", err)
		code, data = http.StatusInternalServerError, []byte(`{"error":{"kind":"internal","message":"cannot answer"}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(append(data, '\n')) // the visitor may be gone
}
