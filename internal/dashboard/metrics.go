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
	"hermes/internal/process"
	"hermes/internal/version"
)

// lookFor is for how long after a scrape the fleet counts a visitor who looks, so that it samples memory between scrapes.
const lookFor = 2 * time.Minute

// metrics serves /metrics in Prometheus's text format 0.0.4. It reads the picture that the fleet has: a scrape looks at no gateway.
// The format is written here because Prometheus's client keeps 0.2 MB at the start of every process, and every gateway is one.
type metrics struct {
	fleet *fleet.Fleet
	look  looker
	last  lastExposition
}

func newMetrics(f *fleet.Fleet) *metrics { return &metrics{fleet: f, look: looker{fleet: f}} }

func (m *metrics) register(mux *http.ServeMux) { mux.Handle("GET /metrics", m) }

func (m *metrics) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	m.look.on()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	snap := m.fleet.Snapshot()
	_, _ = w.Write(exposition(snap)) // the visitor may be gone
	_, _ = w.Write(m.last.of(snap))
}

// lastExposition keeps the text about the gateways of the newest picture. It is made once for each picture, not for each scrape.
type lastExposition struct {
	mu   sync.Mutex
	snap *fleet.Snapshot
	text []byte
}

func (l *lastExposition) of(snap *fleet.Snapshot) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.snap != snap {
		l.snap, l.text = snap, gatewaysExposition(snap.Gateways)
	}
	return l.text
}

// looker has the fleet count a visitor who looks, until lookFor after the last scrape.
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

// metric is a metric that each gateway has. of returns its value; ok is false if this gateway has none.
type metric struct {
	name, kind, help string
	of               func(*fleet.Gateway) (v float64, ok bool)
}

// always makes a metric that every gateway has.
func always(f func(*fleet.Gateway) float64) func(*fleet.Gateway) (float64, bool) {
	return func(g *fleet.Gateway) (float64, bool) { return f(g), true }
}

// truth makes a metric of a yes or no: 1 or 0.
func truth(f func(*fleet.Gateway) bool) func(*fleet.Gateway) (float64, bool) {
	return func(g *fleet.Gateway) (float64, bool) { return float64(bit(f(g))), true }
}

// perGateway returns the metrics with the label profile.
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

// writeHead writes the lines that a metric begins with.
func writeHead(b *bytes.Buffer, name, kind, help string) {
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

func appendNumber(b []byte, v float64) []byte { return strconv.AppendFloat(b, v, 'g', -1, 64) }

// exposition returns the metrics of the dashboard itself, in Prometheus's text format. %q escapes as that format wants it.
func exposition(snap *fleet.Snapshot) []byte {
	var b bytes.Buffer
	single := func(name, help string, v float64) {
		writeHead(&b, name, "gauge", help)
		fmt.Fprintf(&b, "%s %s\n", name, appendNumber(nil, v))
	}
	writeHead(&b, "hermes_info", "gauge", "The dashboard's version, and who supervises the gateways.")
	fmt.Fprintf(&b, "hermes_info{version=%q,manager=%q} 1\n", version.Version, snap.Manager)
	single("hermes_supervisor_reachable", "1 if the gateways can be controlled from here.", float64(bit(snap.Control)))
	single("hermes_broken_profiles", "Directories among the profiles that cannot be used.", float64(len(snap.Broken)))
	single("hermes_dashboard_memory_bytes", "Proportional set size of the dashboard.", float64(process.PSS(os.Getpid())))
	single("hermes_dashboard_goroutines", "Goroutines of the dashboard.", float64(runtime.NumGoroutine()))
	return b.Bytes()
}

// gatewaysExposition returns the metrics of the gateways. The names of profiles have nothing to escape.
func gatewaysExposition(gateways []*fleet.Gateway) []byte {
	var b bytes.Buffer
	names := make([]string, len(gateways))
	for i, g := range gateways {
		names[i] = `{profile="` + g.Profile.String() + `"`
	}
	line := func(i int, name, more string, v float64) {
		b.WriteString(name)
		b.WriteString(names[i])
		b.WriteString(more)
		b.WriteString("} ")
		b.Write(appendNumber(b.AvailableBuffer(), v))
		b.WriteByte('\n')
	}
	for _, m := range perGateway() {
		writeHead(&b, m.name, m.kind, m.help)
		for i, g := range gateways {
			if v, ok := m.of(g); ok {
				line(i, m.name, "", v)
			}
		}
	}
	writeHead(&b, "hermes_gateway_state", "gauge", "1 for the state that the gateway is in.")
	for i, g := range gateways {
		line(i, "hermes_gateway_state", `,state=`+strconv.Quote(g.State), 1)
	}
	writeHead(&b, "hermes_turn_seconds", "summary", "How long turns took.")
	for i, g := range gateways {
		line(i, "hermes_turn_seconds_sum", "", g.Counters.TurnSeconds)
		line(i, "hermes_turn_seconds_count", "", float64(g.Counters.Turns))
	}
	return b.Bytes()
}
