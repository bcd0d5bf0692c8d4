package dashboard

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"hermes/internal/dashboard/access"
	"hermes/internal/fleet"
	"hermes/internal/logs"
	"hermes/internal/profile"
)

// overview shows all gateways.
func (s *site) overview(w http.ResponseWriter, r *http.Request) {
	v := s.overviewView(parseQuery(r.URL.Query()))
	s.render(w, r, http.StatusOK, overviewPage(s.frame(r, "Gateways", "gateways"), v))
}

func (s *site) overviewView(q query) overviewView {
	snap := s.fleet.Snapshot()
	v := overviewView{Query: q, Snapshot: snap, Counts: snap.Counts(), rows: &s.rows}
	v.Page, v.Matches, v.Pages = q.choose(snap)
	events := q.values()
	events.Set("since", s.mark(v))
	v.Events = "/events?" + events.Encode()
	return v
}

// mark says what a page shows, so that its stream begins where the page ends: the newest version of a row, and the
// names in their order. Another process of the dashboard counts from the beginning.
func (s *site) mark(v overviewView) string {
	newest := uint64(0)
	for _, g := range v.Page {
		newest = max(newest, g.Version)
	}
	return fmt.Sprintf("%s.%d.%x", s.boot, newest, order(v))
}

// order is different if the page has other rows, or has them in another order.
func order(v overviewView) uint64 {
	h := fnv.New64a()
	for _, g := range v.Page {
		fmt.Fprintf(h, "%s/", g.Profile)
	}
	for _, e := range v.Snapshot.Broken {
		fmt.Fprintf(h, "!%q%q", e.Label, e.Err)
	}
	fmt.Fprintf(h, "%d %d %v %v", v.Matches, v.Pages, v.Snapshot.Control, v.Snapshot.Err)
	return h.Sum64()
}

// parseMark returns what mark wrote. known is false if this process did not write it.
func (s *site) parseMark(text string) (newest, order uint64, known bool) {
	boot, rest, _ := strings.Cut(text, ".")
	version, sum, _ := strings.Cut(rest, ".")
	newest, err := strconv.ParseUint(version, 10, 64)
	if err != nil || boot != s.boot {
		return 0, 0, false
	}
	order, err = strconv.ParseUint(sum, 16, 64)
	return newest, order, err == nil
}

// overviewEvents sends what changes on a page of the overview.
func (s *site) overviewEvents(w http.ResponseWriter, r *http.Request) {
	q := parseQuery(r.URL.Query())
	newest, last, known := s.parseMark(r.URL.Query().Get("since"))
	defer s.fleet.View()()
	out := startStream(w)
	counts := map[string]int{}
	err := s.follow(r.Context(), out, func(*fleet.Snapshot) error {
		v := s.overviewView(q)
		var b bytes.Buffer
		if now := order(v); !known || now != last {
			if err := render(r.Context(), &b, rowsBody(v, v.Snapshot.Control, true), pager(v, true)); err != nil {
				return err
			}
			last, known = now, true
		} else {
			for _, g := range v.Page {
				if g.Version > newest {
					b.Write(s.rows.changed(r.Context(), g, v.Snapshot.Control))
				}
			}
		}
		for _, g := range v.Page {
			newest = max(newest, g.Version)
		}
		if !maps.Equal(v.Counts, counts) {
			counts = v.Counts
			if err := render(r.Context(), &b, statesNav(v, true)); err != nil {
				return err
			}
		}
		if b.Len() == 0 {
			return nil
		}
		return out.send("fleet", b.Bytes())
	})
	s.streamEnded(r, err)
}

// follow calls send with the present snapshot and with each newer one, some left out if they come fast, until the
// visitor is gone.
func (s *site) follow(ctx context.Context, out *stream, send func(*fleet.Snapshot) error) error {
	if err := out.idle(); err != nil { // the browser now knows that it is connected
		return err
	}
	quiet := time.NewTicker(quietest)
	defer quiet.Stop()
	for {
		snap := s.fleet.Snapshot()
		if err := send(snap); err != nil {
			return err
		}
		wait := time.After(fastest)
		for outdated := false; !outdated; {
			select {
			case <-ctx.Done():
				return nil
			case <-s.closing:
				return nil
			case <-quiet.C:
				if err := out.idle(); err != nil {
					return err
				}
			case <-snap.Outdated():
				outdated = true
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wait:
		}
	}
}

func (s *site) streamEnded(r *http.Request, err error) {
	if err != nil && r.Context().Err() == nil {
		s.log.Debug("a stream of events ended", "path", r.URL.Path, "error", err)
	}
}

type channelState struct {
	Name, State string
	Well        bool
}

func sortedChannels(list map[string]string) []channelState {
	var all []channelState
	for _, name := range slices.Sorted(maps.Keys(list)) {
		state := logs.Printable(list[name])
		all = append(all, channelState{logs.Printable(name), state, state == "running"})
	}
	return all
}

// frame returns what a page has around it.
func (s *site) frame(r *http.Request, title, section string) frame {
	snap := s.fleet.Snapshot()
	return frame{Title: title, Section: section, Visitor: s.visitor(r), Assets: s.assets, Manager: snap.Manager, Control: snap.Control}
}

func render(ctx context.Context, b *bytes.Buffer, parts ...templ.Component) error {
	for _, p := range parts {
		if err := p.Render(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// render sends a page, whole or not at all.
func (s *site) render(w http.ResponseWriter, r *http.Request, code int, c templ.Component) {
	var b bytes.Buffer
	if err := c.Render(r.Context(), &b); err != nil {
		s.log.Error("cannot make a page", "path", r.URL.Path, "error", err)
		http.Error(w, "cannot show this page; the dashboard's log says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(b.Bytes()) // the visitor may be gone
}

// at returns an address of the dashboard as the visitor of a request knows it, and link the same for templates.
func at(ctx context.Context, path string) string { return access.At(ctx, path) }

func link(ctx context.Context, path string) templ.SafeURL { return templ.SafeURL(at(ctx, path)) }

// profilePath is the address of a profile's page.
func profilePath(n profile.Name) string { return "/profiles/" + url.PathEscape(n.String()) }
