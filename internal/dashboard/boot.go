package dashboard

import (
	"net/http"

	"hermes/internal/dashboard/backend"
	"hermes/internal/profile"
)

// bootPage shows what the boots of the container did.
type bootPage struct {
	responder
	store *profile.Store
}

func (p bootPage) register(mux *http.ServeMux) { mux.HandleFunc("GET /boot", p.show) }

func (p bootPage) show(w http.ResponseWriter, r *http.Request) {
	lines, err := backend.BootLines(p.store)
	p.render(w, r, http.StatusOK, bootHTML(p.frame(r, "Boot log", "boot"), lines, err))
}
