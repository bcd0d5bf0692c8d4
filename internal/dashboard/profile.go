package dashboard

import (
	"bytes"
	"errors"
	"net/http"

	"hermes/internal/fleet"
	"hermes/internal/profile"
)

// newProfile shows the form of a new profile.
func (s *site) newProfile(w http.ResponseWriter, r *http.Request) {
	var names []string
	for _, g := range s.fleet.Snapshot().Gateways {
		names = append(names, g.Profile.String())
	}
	s.render(w, r, http.StatusOK, newProfilePage(s.frame(r, "New profile", "gateways"), names, r.URL.Query().Get("from")))
}

// shown returns the gateway of a request's path, or shows that there is none.
func (s *site) shown(w http.ResponseWriter, r *http.Request) (*fleet.Gateway, bool) {
	n, ok := s.named(w, r)
	if !ok {
		return nil, false
	}
	if g, ok := s.find(n); ok {
		return g, true
	}
	s.fail(w, r, http.StatusNotFound, &profile.NotFoundError{Name: n})
	return nil, false
}

// find returns the gateway of a profile. One that was made a moment ago may not be in the picture yet.
func (s *site) find(n profile.Name) (*fleet.Gateway, bool) {
	if g, ok := s.fleet.Snapshot().Get(n); ok {
		return g, true
	}
	h, err := s.o.Store.Get(n)
	if err != nil {
		return nil, false
	}
	g := &fleet.Gateway{Home: h}
	g.Profile, g.State, g.Restarts, g.LogFile = n, string(profile.StateStopped), -1, h.LogDir()+"/current"
	return g, true
}

// profile shows one gateway.
func (s *site) profile(w http.ResponseWriter, r *http.Request) {
	if g, ok := s.shown(w, r); ok {
		s.render(w, r, http.StatusOK, profilePage(s.frame(r, g.Profile.String(), "gateways"), g))
	}
}

// errGone ends the stream of a profile that was deleted.
var errGone = errors.New("the profile is gone")

// profileEvents sends what changes about one gateway.
func (s *site) profileEvents(w http.ResponseWriter, r *http.Request) {
	n, ok := s.named(w, r)
	if !ok {
		return
	}
	defer s.fleet.View()()
	out := startStream(w)
	var version uint64
	seen := false
	err := s.follow(r.Context(), out, func(snap *fleet.Snapshot) error {
		g, ok := snap.Get(n)
		if !ok && seen {
			if err := out.send("gone", []byte(n.String())); err != nil {
				return err
			}
			return errGone
		}
		if !ok || g.Version == version && seen {
			return nil
		}
		seen, version = true, g.Version
		var b bytes.Buffer
		if err := render(r.Context(), &b, profileState(g, snap.Control, true), timeline(g.History, true)); err != nil {
			return err
		}
		return out.send("profile", b.Bytes())
	})
	if errors.Is(err, errGone) {
		return
	}
	s.streamEnded(r, err)
}
