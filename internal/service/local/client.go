package local

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"

	"hermes/internal/service"
)

// patience is how long the supervisor may take to answer, on top of the time that the command may wait.
const patience = 15 * time.Second

// Manager drives the supervisor of a home over its socket.
type Manager struct {
	home string
	http http.Client
}

var _ service.Manager = (*Manager)(nil)

// NewManager returns the manager of a home. It starts nothing: a supervisor must already run (Live).
func NewManager(home string) *Manager {
	return &Manager{home: home, http: http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return dial(home) },
	}}}
}

// Kind returns service.KindLocal.
func (m *Manager) Kind() service.Kind { return service.KindLocal }

// SupportsRegistration returns true.
func (m *Manager) SupportsRegistration() bool { return true }

// ask sends one request. An error of the supervisor comes back with its type.
func (m *Manager) ask(ctx context.Context, method, path string, id service.ID, action string, q request) (answer, error) {
	within, cancel := context.WithTimeout(ctx, q.Wait+patience+q.KillAfter)
	defer cancel()
	fail := func(err error) (answer, error) {
		if ctx.Err() != nil {
			return answer{}, fmt.Errorf("%s on '%s': %w", action, id, ctx.Err())
		}
		return answer{}, &service.CommandError{Manager: Name, Service: id, Action: action, Reason: "it does not answer: " + err.Error()}
	}
	body, err := json.Marshal(q)
	if err != nil {
		return fail(err)
	}
	r, err := http.NewRequestWithContext(within, method, "http://up/v1/"+path, bytes.NewReader(body))
	if err != nil {
		return fail(err)
	}
	resp, err := m.http.Do(r)
	if err != nil {
		return fail(err)
	}
	defer resp.Body.Close()
	var a answer
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		return fail(err)
	}
	if a.Error != nil {
		return answer{}, a.Error.decode(id)
	}
	return a, nil
}

func (m *Manager) act(ctx context.Context, id service.ID, action string, q request) error {
	_, err := m.ask(ctx, http.MethodPost, "services/"+id.String()+"/"+action, id, action, q)
	return err
}

// Register adds a service.
func (m *Manager) Register(ctx context.Context, spec service.Spec) error {
	return m.act(ctx, spec.ID, "register", request{Up: spec.Up, KillAfter: spec.KillAfter})
}

// Unregister stops a service and removes it.
func (m *Manager) Unregister(ctx context.Context, id service.ID) error {
	return m.act(ctx, id, "unregister", request{Wait: 10 * time.Minute}) // the supervisor applies the service's own limit
}

// Start wants a service up.
func (m *Manager) Start(ctx context.Context, id service.ID, wait time.Duration) error {
	return m.act(ctx, id, "start", request{Wait: wait})
}

// Stop wants a service down.
func (m *Manager) Stop(ctx context.Context, id service.ID, wait time.Duration) error {
	return m.act(ctx, id, "stop", request{Wait: wait})
}

// Restart ends the service's process and starts another.
func (m *Manager) Restart(ctx context.Context, id service.ID, wait time.Duration) error {
	return m.act(ctx, id, "restart", request{Wait: wait})
}

// Status returns what a service does now.
func (m *Manager) Status(ctx context.Context, id service.ID) (service.Status, error) {
	a, err := m.ask(ctx, http.MethodPost, "services/"+id.String()+"/status", id, "look at", request{})
	if err != nil || len(a.Services) == 0 {
		return service.Status{}, err
	}
	st := a.Services[0].status()
	st.Self = service.Inside(st.PID)
	return st, nil
}

// List returns the status of every service, ordered by name.
func (m *Manager) List(ctx context.Context) ([]service.Status, error) {
	a, err := m.ask(ctx, http.MethodGet, "services", service.ID{}, "list the services", request{})
	var list []service.Status
	for _, st := range a.Services {
		list = append(list, st.status())
	}
	return list, err
}

// Watch calls happened once at the beginning and at every change of any service, until ctx ends or the supervisor is gone. It passes
// the zero ID, which means that any service may have changed.
func (m *Manager) Watch(ctx context.Context, happened func(service.ID)) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://up/v1/news", http.NoBody)
	if err != nil {
		return err
	}
	resp, err := m.http.Do(r)
	if err != nil {
		return fmt.Errorf("cannot listen to %s: %w", Name, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("cannot listen to %s: it answers %s", Name, resp.Status)
	}
	for news := bufio.NewReader(resp.Body); ; {
		if _, err := news.ReadByte(); err != nil {
			return fmt.Errorf("%s tells no more: %w", Name, err)
		}
		happened(service.ID{})
	}
}

// Down asks the supervisor to end, and returns when the supervisor has accepted that.
func (m *Manager) Down(ctx context.Context) error {
	_, err := m.ask(ctx, http.MethodPost, "down", service.ID{}, "end", request{})
	return err
}

func (w wireStatus) status() service.Status {
	st := w.Status
	st.ID, _ = service.ParseID(w.Name)
	st.For, st.Restarts = w.For, w.Restarts
	return st
}
