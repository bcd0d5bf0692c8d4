package dashboard

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"hermes/internal/dashboard/backend"
	"hermes/internal/dashboard/stream"
	"hermes/internal/profile"
	"hermes/internal/profile/provision"
	"hermes/internal/service"
)

// fleetOf returns the handler of a dashboard with n profiles, of which one in ten has failed to start.
func fleetOf(b *testing.B, n int) http.Handler {
	store := profile.NewStore(b.TempDir())
	if _, err := provision.Seed(b.Context(), store, profile.Default()); err != nil {
		b.Fatal(err)
	}
	for i := range n - 1 {
		name, err := profile.NewName(fmt.Sprintf("p%d", i))
		if err != nil {
			b.Fatal(err)
		}
		h := store.Home(name)
		if err := os.MkdirAll(h.Dir, 0o700); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(h.Dir+"/"+profile.SoulName, nil, 0o600); err != nil {
			b.Fatal(err)
		}
		state := `{"gateway_state":"running","platforms":{"api_server":{"state":"connected"}}}`
		if i%10 == 0 {
			state = `{"gateway_state":"startup_failed","exit_reason":"the address is in use"}`
		}
		if err := os.WriteFile(h.StateFile(), []byte(state), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	s := newSite(backend.Options{Store: store, Manager: func() service.Manager { return nil }, Getenv: func(string) string { return "" }}, slog.New(slog.DiscardHandler))
	_, stop := s.watch(b.Context())
	<-s.seen
	b.Cleanup(func() { close(s.closing); stop() })
	mux := http.NewServeMux()
	s.pages(mux, stream.New(s.backend, s.closing, s.log))
	newMetrics(s.backend.Fleet).register(mux)
	return mux
}

// BenchmarkPages is what one visitor's request costs, without the network.
func BenchmarkPages(b *testing.B) {
	for _, n := range []int{200, 1000} {
		handler := fleetOf(b, n)
		for _, path := range []string{"/", "/?page=2", "/metrics"} {
			b.Run(fmt.Sprintf("%s of %d", path, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					w := httptest.NewRecorder()
					handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
					if w.Code != http.StatusOK {
						b.Fatal(w.Code, w.Body)
					}
					b.SetBytes(int64(w.Body.Len()))
				}
			})
		}
	}
}
