package apiserver

import "net/http"

// health answers 200 as long as the process lives.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// ready answers 200 if the gateway takes messages, and otherwise 503 with the reasons.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	if reasons := *s.reasons.Load(); len(reasons) > 0 {
		writeJSON(w, http.StatusServiceUnavailable, map[string]any{"status": "not ready", "reasons": reasons})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
}
