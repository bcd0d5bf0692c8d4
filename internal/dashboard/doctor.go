package dashboard

import (
	"net/http"

	"hermes/internal/dashboard/backend"
	"hermes/internal/doctor"
)

// doctorPage shows what is wrong and what helps. It repairs what can be repaired without harm.
type doctorPage struct {
	responder
	doctor backend.Doctor
}

func (p doctorPage) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /doctor", p.show)
	mux.HandleFunc("POST /doctor", p.mend)
}

func (p doctorPage) show(w http.ResponseWriter, r *http.Request) {
	found, err := p.doctor.Examine(r.Context())
	p.send(w, r, found, err)
}

func (p doctorPage) mend(w http.ResponseWriter, r *http.Request) {
	found, err := p.doctor.Mend(r.Context(), visitor(r))
	p.send(w, r, found, err)
}

func (p doctorPage) send(w http.ResponseWriter, r *http.Request, found []doctor.Finding, err error) {
	p.render(w, r, http.StatusOK, doctorHTML(p.frame(r, "Doctor", "doctor"), found, err))
}
