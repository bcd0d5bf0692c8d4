package dashboard

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"

	"hermes/internal/fleet"
	"hermes/internal/service"
	"hermes/internal/version"
)

// lookFor is for how long a scrape counts as somebody who looks, so that memory is sampled between scrapes.
const lookFor = 2 * time.Minute

// metrics returns the handler of /metrics, in Prometheus's text format 0.0.4. It reads the picture that is there: a
// scrape looks at no gateway. The format is written here because Prometheus's client keeps 0.2 MB at the start of
// every process, and every gateway is one.
func (s *site) metrics() http.Handler {
	look := looker{fleet: s.fleet}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		look.on()
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = w.Write(exposition(s.fleet.Snapshot())) // the visitor may be gone
	})
}

// looker looks on for some time after each scrape.
type looker struct {
	fleet *fleet.Fleet
	mu    sync.Mutex
	timer *time.Timer
}

func (l *looker) on() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil && l.timer.Stop() {
		l.timer.Reset(lookFor)
		return
	}
	l.timer = time.AfterFunc(lookFor, l.fleet.View())
}

// metric is one name, and what it says of a gateway. ok is false if it says nothing of this one.
type metric struct {
	name, kind, help string
	of               func(*fleet.Gateway) (v float64, ok bool)
}

func always(f func(*fleet.Gateway) float64) func(*fleet.Gateway) (float64, bool) {
	return func(g *fleet.Gateway) (float64, bool) { return f(g), true }
}

func truth(f func(*fleet.Gateway) bool) func(*fleet.Gateway) (float64, bool) {
	return func(g *fleet.Gateway) (float64, bool) { return float64(bit(f(g))), true }
}

// perGateway are the metrics with the label profile.
func perGateway() []metric {
	return []metric{
		{"hermes_gateway_up", "gauge", "1 if the gateway's process runs.", truth((*fleet.Gateway).Running)},
		{"hermes_gateway_ready", "gauge", "1 if the gateway serves.", truth(func(g *fleet.Gateway) bool { return g.Ready })},
		{"hermes_gateway_wanted", "gauge", "1 if the operator wants the gateway to run.", truth(func(g *fleet.Gateway) bool { return g.Desired == "running" })},
		{"hermes_gateway_restarts_total", "counter", "Deaths of the gateway since it was last started by hand.",
			func(g *fleet.Gateway) (float64, bool) { return float64(g.Restarts), g.Restarts >= 0 }},
		{"hermes_gateway_give_ups_total", "counter", "How often the gateway was given up since the dashboard began to look.",
			always(func(g *fleet.Gateway) float64 { return float64(g.GiveUps) })},
		{"hermes_gateway_start_time_seconds", "gauge", "When the gateway's process began, in seconds since the epoch.",
			func(g *fleet.Gateway) (float64, bool) { return float64(g.Since.Unix()), g.Running() }},
		{"hermes_gateway_memory_bytes", "gauge", "Proportional set size of the gateway's process.",
			func(g *fleet.Gateway) (float64, bool) { return float64(g.Memory), g.Memory > 0 }},
		{"hermes_gateway_active_turns", "gauge", "Turns that the gateway is at.",
			func(g *fleet.Gateway) (float64, bool) { return float64(g.ActiveTurns), g.Running() }},
		{"hermes_messages_in_total", "counter", "Messages taken from channels.", always(func(g *fleet.Gateway) float64 { return float64(g.Counters.MessagesIn) })},
		{"hermes_messages_out_total", "counter", "Messages answered, whole.", always(func(g *fleet.Gateway) float64 { return float64(g.Counters.MessagesOut) })},
		{"hermes_model_errors_total", "counter", "Turns that failed because of the model.", always(func(g *fleet.Gateway) float64 { return float64(g.Counters.ModelErrors) })},
	}
}

// exposition is a snapshot in Prometheus's text format. Profile names need no escape; %q escapes as the format asks.
func exposition(snap *fleet.Snapshot) []byte {
	var b bytes.Buffer
	head := func(name, kind, help string) { fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind) }
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	single := func(name, help string, v float64) {
		head(name, "gauge", help)
		fmt.Fprintf(&b, "%s %s\n", name, number(v))
	}
	head("hermes_info", "gauge", "The dashboard's version, and who supervises the gateways.")
	fmt.Fprintf(&b, "hermes_info{version=%q,manager=%q} 1\n", version.Version, snap.Manager)
	single("hermes_supervisor_reachable", "1 if the gateways can be controlled from here.", float64(bit(snap.Control)))
	single("hermes_broken_profiles", "Directories among the profiles that cannot be used.", float64(len(snap.Broken)))
	single("hermes_dashboard_memory_bytes", "Proportional set size of the dashboard.", float64(service.PSS(os.Getpid())))
	single("hermes_dashboard_goroutines", "Goroutines of the dashboard.", float64(runtime.NumGoroutine()))
	for _, m := range perGateway() {
		head(m.name, m.kind, m.help)
		for _, g := range snap.Gateways {
			if v, ok := m.of(g); ok {
				fmt.Fprintf(&b, "%s{profile=%q} %s\n", m.name, g.Profile, number(v))
			}
		}
	}
	head("hermes_gateway_state", "gauge", "1 for the state that the gateway is in.")
	for _, g := range snap.Gateways {
		fmt.Fprintf(&b, "hermes_gateway_state{profile=%q,state=%q} 1\n", g.Profile, g.State)
	}
	head("hermes_turn_seconds", "summary", "How long turns took.")
	for _, g := range snap.Gateways {
		fmt.Fprintf(&b, "hermes_turn_seconds_sum{profile=%q} %s\nhermes_turn_seconds_count{profile=%q} %d\n",
			g.Profile, number(g.Counters.TurnSeconds), g.Profile, g.Counters.Turns)
	}
	return b.Bytes()
}
