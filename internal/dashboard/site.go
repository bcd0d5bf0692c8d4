package dashboard

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"hermes/internal/dashboard/access"
	"hermes/internal/doctor"
	"hermes/internal/fleet"
	"hermes/internal/journal"
	"hermes/internal/operate"
	"hermes/internal/profile"
	"hermes/internal/service"
)

// Backend is where the dashboard reads and acts: the profiles, who is in charge of their gateways, the doctor.
type Backend struct {
	Store *profile.Store
	// Manager returns who is in charge of the gateways now; nil if nobody is.
	Manager   func() service.Manager
	Container bool
	Getenv    func(string) string
	// StopForeground ends a gateway that no manager runs.
	StopForeground func(ctx context.Context, h profile.Home, wait time.Duration) error
	// Doctor returns what `hermes doctor` examines.
	Doctor func() (doctor.Options, error)
}

// site serves the pages. It is made once.
type site struct {
	o     Backend
	log   *slog.Logger
	fleet *fleet.Fleet
	audit *journal.Journal // who did what
	// weighty is the part of it that nothing else may push out.
	weighty *journal.Journal
	states  *journal.Journal // what the gateways did
	assets  assets
	rows    rowCache
	// boot tells this process's versions from those of another.
	boot string
	// closing is closed when the dashboard ends.
	closing chan struct{}
	// seen is closed when there is a first picture of the gateways.
	seen chan struct{}
}

func newSite(o Backend, log *slog.Logger) *site {
	dir := o.Store.Files().Sub("logs")
	s := &site{o: o, log: log, assets: loadAssets(), closing: make(chan struct{}), seen: make(chan struct{}), boot: strconv.FormatInt(time.Now().UnixNano(), 36),
		audit: journal.New(dir, "audit.log"), weighty: journal.New(dir, "audit-weighty.log"), states: journal.New(dir, "states.log")}
	s.fleet = fleet.New(fleet.Options{
		Store: o.Store, Manager: o.Manager, Container: o.Container, Log: log, Past: s.past(),
		Record: s.recordChanges,
	})
	return s
}

// recordChanges records what gateways did. What they say of it themselves may be of any length.
func (s *site) recordChanges(changes []fleet.Change) error {
	records := make([]any, len(changes))
	for i, c := range changes {
		c.From, c.To, c.Reason = capped(c.From), capped(c.To), capped(c.Reason)
		records[i] = c
	}
	return s.states.Append(records...)
}

// watch keeps the picture of the gateways true until stop is called, which waits for the end. The context that it returns
// ends if that cannot be done, with the reason as its cause.
func (s *site) watch(ctx context.Context) (watching context.Context, stop func()) {
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	watching, failed := context.WithCancelCause(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		failed(s.fleet.Run(running, func() { close(s.seen) }))
	}()
	return watching, func() { end(); <-ended }
}

// visitor returns who sent a request.
func (s *site) visitor(r *http.Request) access.Visitor { return access.VisitorOf(r.Context()) }

// past returns the changes of state that were recorded before.
func (s *site) past() []fleet.Change {
	var past []fleet.Change
	err := s.states.Read(func(line []byte) {
		var c fleet.Change
		if json.Unmarshal(line, &c) == nil && c.Profile != (profile.Name{}) {
			past = append(past, c)
		}
	})
	if err != nil {
		s.log.Warn("cannot read what the gateways did before", "error", err)
	}
	return past
}

// pages adds every page and what it needs.
func (s *site) pages(mux *http.ServeMux) {
	mux.HandleFunc("GET /static/{file}", s.assets.serve)
	mux.HandleFunc("GET /{$}", s.overview)
	mux.HandleFunc("GET /events", s.overviewEvents)
	mux.HandleFunc("GET /new", s.newProfile)
	mux.HandleFunc("POST /profiles", s.createProfile)
	mux.HandleFunc("GET /profiles/{name}", s.profile)
	mux.HandleFunc("GET /profiles/{name}/events", s.profileEvents)
	for _, action := range []operate.Action{operate.Start, operate.Stop, operate.Restart} {
		mux.HandleFunc("POST /profiles/{name}/"+string(action), func(w http.ResponseWriter, r *http.Request) { s.lifecycle(w, r, action) })
	}
	mux.HandleFunc("POST /profiles/{name}/rename", s.renameProfile)
	mux.HandleFunc("POST /profiles/{name}/delete", s.deleteProfile)
	mux.HandleFunc("GET /profiles/{name}/log", s.logPage)
	mux.HandleFunc("GET /profiles/{name}/log/events", s.logEvents)
	mux.HandleFunc("GET /profiles/{name}/chat", s.chat)
	mux.HandleFunc("POST /profiles/{name}/chat", s.say)
	mux.HandleFunc("GET /profiles/{name}/sessions", s.sessions)
	mux.HandleFunc("GET /profiles/{name}/session", s.transcript)
	mux.HandleFunc("GET /profiles/{name}/sessions/{session}", s.transcript)
	mux.HandleFunc("POST /profiles/{name}/session/delete", s.deleteSession)
	mux.HandleFunc("GET /profiles/{name}/prune", s.prunePage)
	mux.HandleFunc("POST /profiles/{name}/prune", s.pruneSessions)
	mux.HandleFunc("POST /profiles/{name}/retry", s.retry)
	mux.HandleFunc("GET /profiles/{name}/settings", s.settings)
	mux.HandleFunc("POST /profiles/{name}/settings/{what}", s.saveSettings)
	for _, action := range []operate.Action{operate.Stop, operate.Restart} {
		mux.HandleFunc("POST /all/"+string(action), func(w http.ResponseWriter, r *http.Request) { s.lifecycleAll(w, r, action) })
	}
	mux.HandleFunc("GET /activity", s.activity)
	mux.HandleFunc("GET /boot", s.bootLog)
	mux.HandleFunc("GET /doctor", s.doctor)
	mux.HandleFunc("POST /doctor", s.mend)
}
