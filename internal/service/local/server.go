package local

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"time"

	"hermes/internal/service"
)

// request is the body of a command.
type request struct {
	Up        bool          `json:"up,omitempty"`
	KillAfter time.Duration `json:"kill_after,omitempty"`
	Wait      time.Duration `json:"wait,omitempty"`
}

// Listen takes commands until the listener is closed. It calls down when a command asks the supervisor to end.
func (s *Supervisor) Listen(l net.Listener, down func()) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/services", func(w http.ResponseWriter, r *http.Request) {
		var a answer
		list, err := s.List(r.Context())
		for _, st := range list {
			a.Services = append(a.Services, toWire(st))
		}
		reply(w, a, err)
	})
	mux.HandleFunc("POST /v1/down", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, answer{}, nil)
		down()
	})
	mux.HandleFunc("GET /v1/news", s.tell)
	for action, act := range map[string]func(context.Context, service.ID, request) (answer, error){
		"status": func(ctx context.Context, id service.ID, _ request) (answer, error) {
			st, err := s.Status(ctx, id)
			return answer{Services: []wireStatus{toWire(st)}}, err
		},
		"register": func(ctx context.Context, id service.ID, q request) (answer, error) {
			return answer{}, s.Register(ctx, service.Spec{ID: id, Up: q.Up, KillAfter: q.KillAfter})
		},
		"unregister": func(ctx context.Context, id service.ID, _ request) (answer, error) {
			return answer{}, s.Unregister(ctx, id)
		},
		"start": func(ctx context.Context, id service.ID, q request) (answer, error) {
			return answer{}, s.Start(ctx, id, q.Wait)
		},
		"stop": func(ctx context.Context, id service.ID, q request) (answer, error) {
			return answer{}, s.Stop(ctx, id, q.Wait)
		},
		"restart": func(ctx context.Context, id service.ID, q request) (answer, error) {
			return answer{}, s.Restart(ctx, id, q.Wait)
		},
	} {
		mux.HandleFunc("POST /v1/services/{id}/"+action, func(w http.ResponseWriter, r *http.Request) {
			id, ok := service.ParseID(r.PathValue("id"))
			var q request
			if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&q); err != nil || !ok {
				http.Error(w, "no such service, or no such request", http.StatusBadRequest)
				return
			}
			a, err := act(r.Context(), id, q)
			reply(w, a, err)
		})
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	return server.Serve(l)
}

func reply(w http.ResponseWriter, a answer, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		a = answer{Error: encodeError(err)}
		w.WriteHeader(http.StatusConflict)
	}
	_ = json.NewEncoder(w).Encode(a) // the client may be gone
}

// tell writes a line at once and at every change of any service, until the client is gone.
func (s *Supervisor) tell(w http.ResponseWriter, r *http.Request) {
	flush := http.NewResponseController(w)
	for {
		news := s.News()
		if _, err := w.Write([]byte("\n")); err != nil || flush.Flush() != nil {
			return
		}
		select {
		case <-news:
		case <-r.Context().Done():
			return
		}
	}
}
