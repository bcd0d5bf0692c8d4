package dashboard

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"hermes/internal/fleet"
	"hermes/internal/profile"
)

func TestTheMetricsAreWhatPrometheusReads(t *testing.T) {
	f := lively(t)
	if err := profile.WriteCounters(f.Store.Home(mustName(t, "coder")), profile.Counters{MessagesIn: 3, MessagesOut: 2, Turns: 3, TurnSeconds: 1.5, ModelErrors: 1, LastMessage: time.Now()}); err != nil {
		t.Fatal(err)
	}
	srv := serve(t, locked, f)
	resp, body := get(t, srv, "/metrics", login("ann", password))
	if resp.StatusCode != 200 {
		t.Fatal(resp.Status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	problems, err := promlint.New(bytes.NewReader([]byte(body))).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	for _, line := range []string{
		`hermes_gateway_up{profile="coder"} 0`, `hermes_gateway_wanted{profile="coder"} 1`, `hermes_gateway_state{profile="coder",state="startup_failed"} 1`,
		`hermes_messages_in_total{profile="coder"} 3`, `hermes_messages_out_total{profile="coder"} 2`, `hermes_model_errors_total{profile="coder"} 1`,
		`hermes_turn_seconds_sum{profile="coder"} 1.5`, `hermes_turn_seconds_count{profile="coder"} 3`, `hermes_broken_profiles 1`, `hermes_supervisor_reachable 0`,
	} {
		if !strings.Contains(body, "\n"+line+"\n") {
			t.Errorf("%s is missing in\n%s", line, body)
		}
	}
	if len(families) < 12 {
		t.Errorf("%d metrics", len(families))
	}
}

// The Grafana dashboard asks for metrics by name.
func TestTheGrafanaDashboardAsksForMetricsThatExist(t *testing.T) {
	data, err := os.ReadFile("../../deploy/grafana/hermes.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	exist := string(exposition(&fleet.Snapshot{})) + string(gatewaysExposition(nil))
	names := regexp.MustCompile(`hermes_[a-z_]+`).FindAllString(string(data), -1)
	for _, name := range names {
		name = strings.TrimSuffix(strings.TrimSuffix(name, "_sum"), "_count")
		if !strings.Contains(exist, "# TYPE "+name+" ") {
			t.Errorf("%s does not exist", name)
		}
	}
	if len(names) < 8 {
		t.Errorf("only %d metrics are asked for", len(names))
	}
}
