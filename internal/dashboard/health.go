package dashboard

import (
	"net/http"

	"hermes/internal/fleet"
)

// health tells programs whether the dashboard works.
type health struct{ fleet *fleet.Fleet }

func (h health) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /health", alive)
	mux.HandleFunc("GET /ready", h.ready)
}

// alive answers as long as the dashboard serves at all.
func alive(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"status":"ok"}` + "\n")) // the visitor may be gone
}

// ready tells whether the picture of the gateways is up to date.
func (h health) ready(w http.ResponseWriter, _ *http.Request) {
	snap := h.fleet.Snapshot()
	w.Header().Set("Content-Type", "application/json")
	if snap.Version == 0 || snap.Err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"status":"the gateways cannot be looked at"}` + "\n")) // the visitor may be gone
		return
	}
	_, _ = w.Write([]byte(`{"status":"ready"}` + "\n")) // the visitor may be gone
}
