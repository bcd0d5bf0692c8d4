package dashboard

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"hermes/internal/dashboard/backend"
	"hermes/internal/dashboard/stream"
	"hermes/internal/fleet"
	"hermes/internal/logs"
	"hermes/internal/operate"
)

// overviewPage shows all gateways, and has buttons that act on all of them.
type overviewPage struct {
	responder
	actions *backend.Actions
	streams *stream.Streams
	rows    *rowCache
	// process tells the versions of this process's pictures from those of another process.
	process string
}

func newOverviewPage(re responder, actions *backend.Actions, streams *stream.Streams) overviewPage {
	return overviewPage{responder: re, actions: actions, streams: streams, rows: &rowCache{}, process: strconv.FormatInt(time.Now().UnixNano(), 36)}
}

func (p overviewPage) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", p.show)
	mux.HandleFunc("GET /events", p.events)
	for _, action := range []operate.Action{operate.Stop, operate.Restart} {
		mux.HandleFunc("POST /all/"+string(action), func(w http.ResponseWriter, r *http.Request) {
			p.answer(w, r, p.actions.ActOnAll(r.Context(), visitor(r), action), "", "/")
		})
	}
}

func (p overviewPage) show(w http.ResponseWriter, r *http.Request) {
	v := p.view(parseQuery(r.URL.Query()))
	p.render(w, r, http.StatusOK, overviewHTML(p.frame(r, "Gateways", "gateways"), v))
}

func (p overviewPage) view(q query) overviewView {
	snap := p.fleet.Snapshot()
	v := overviewView{Query: q, Snapshot: snap, Counts: snap.Counts(), rows: p.rows}
	v.Page, v.Matches, v.Pages = q.choose(snap)
	events := q.values()
	events.Set("since", p.mark(v))
	v.Events = "/events?" + events.Encode()
	return v
}

// mark says what a page shows, so that its stream sends only what is newer: the process that made the page, the newest version among its
// rows, and the order of the rows.
func (p overviewPage) mark(v overviewView) string {
	newest := uint64(0)
	for _, g := range v.Page {
		newest = max(newest, g.Version)
	}
	return fmt.Sprintf("%s.%d.%x", p.process, newest, order(v))
}

// order returns a number that changes if the page gets other rows, or the same in another order.
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

// parseMark reads what mark wrote. known is false if another process wrote it.
func (p overviewPage) parseMark(text string) (newest, order uint64, known bool) {
	process, rest, _ := strings.Cut(text, ".")
	version, sum, _ := strings.Cut(rest, ".")
	newest, err := strconv.ParseUint(version, 10, 64)
	if err != nil || process != p.process {
		return 0, 0, false
	}
	order, err = strconv.ParseUint(sum, 16, 64)
	return newest, order, err == nil
}

// events sends what changes on a page of the overview. If the page gets other rows, or another order of them, it sends all rows, else
// those that changed. It sends the numbers of gateways in each state when one of them changes.
func (p overviewPage) events(w http.ResponseWriter, r *http.Request) {
	q := parseQuery(r.URL.Query())
	newest, last, known := p.parseMark(r.URL.Query().Get("since"))
	counts := map[string]int{}
	p.streams.Gateways(w, r, func(out *stream.Events, _ *fleet.Snapshot) error {
		v := p.view(q)
		var b bytes.Buffer
		if now := order(v); !known || now != last {
			if err := renderParts(r.Context(), &b, rowsBody(v, v.Snapshot.Control, true), pager(v, true)); err != nil {
				return err
			}
			last, known = now, true
		} else {
			for _, g := range v.Page {
				if g.Version > newest {
					b.Write(p.rows.changed(r.Context(), g, v.Snapshot.Control))
				}
			}
		}
		for _, g := range v.Page {
			newest = max(newest, g.Version)
		}
		if !maps.Equal(v.Counts, counts) {
			counts = v.Counts
			if err := renderParts(r.Context(), &b, statesNav(v, true)); err != nil {
				return err
			}
		}
		if b.Len() == 0 {
			return nil
		}
		return out.Send("fleet", b.Bytes())
	})
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
