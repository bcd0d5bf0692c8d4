package dashboard

import (
	"net/http"

	"hermes/internal/dashboard/backend"
)

// activityPage shows who did what, and what the gateways did, the latest first.
type activityPage struct {
	responder
	journals *backend.Journals
}

func (p activityPage) register(mux *http.ServeMux) { mux.HandleFunc("GET /activity", p.show) }

func (p activityPage) show(w http.ResponseWriter, r *http.Request) {
	only := r.URL.Query().Get("only")
	events, err := p.journals.Events(only)
	p.render(w, r, http.StatusOK, activityHTML(p.frame(r, "Activity", "activity"), events, only, err))
}
