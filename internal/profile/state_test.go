package profile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// TestMain runs the tests or, if the variable is set, writes a state file as the other process of a test.
func TestMain(m *testing.M) {
	if dir := os.Getenv("HERMES_TEST_ADD"); dir != "" {
		if err := addAgents(context.Background(), Home{Dir: dir}, 20); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func addAgents(ctx context.Context, h Home, n int) error {
	for done := 0; done < n; {
		err := UpdateState(ctx, h, func(s *State) error { s.ActiveAgents++; return nil })
		switch {
		case err == nil:
			done++
		case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded): // no turn in time on a busy machine
		default:
			return err
		}
	}
	return nil
}

func home(t testing.TB) Home {
	t.Helper()
	dir := t.TempDir()
	return Home{Name: Default(), Dir: dir, Root: dir}
}

func slurp(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func putState(t testing.TB, h Home, content string) {
	t.Helper()
	if err := os.WriteFile(h.StateFile(), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestEveryTransitionIsWrittenOrRefusedAsTheTableSays has its own copy of the state machine of contract "On disk". It tries every
// pair of states with a file. A refused change must leave the file as it was.
func TestEveryTransitionIsWrittenOrRefusedAsTheTableSays(t *testing.T) {
	allowed := map[GatewayState]string{
		StateNone:          "starting running degraded draining stopped startup_failed",
		StateStarting:      "starting running degraded draining stopped startup_failed",
		StateRunning:       "starting running degraded draining stopped startup_failed",
		StateDegraded:      "starting running degraded draining stopped startup_failed",
		StateDraining:      "starting running draining stopped startup_failed",
		StateStopped:       "starting stopped startup_failed",
		StateStartupFailed: "starting stopped startup_failed",
		"nonsense":         "starting startup_failed",
	}
	if len(allowed) != len(transitions)+1 {
		t.Errorf("%d states here, %d in the machine", len(allowed)-1, len(transitions))
	}
	h := home(t)
	for from, to := range allowed {
		for next := range allowed {
			want := next != StateNone && strings.Contains(" "+to+" ", " "+string(next)+" ")
			if got := CanFollow(from, next); got != want {
				t.Errorf("%q to %q: %v, want %v", from, next, got, want)
			}
			if from == next {
				want = true // the state does not change, and other fields may
			}
			before := fmt.Sprintf(`{"gateway_state":%q,"pid":7,"theirs":1}`, from)
			putState(t, h, before)
			err := UpdateState(t.Context(), h, func(s *State) error { s.Gateway, s.PID = next, 8; return nil })
			after, rerr := os.ReadFile(h.StateFile())
			if rerr != nil {
				t.Fatal(rerr)
			}
			var refused *TransitionError
			switch {
			case want:
				if s, rerr := ReadState(h); err != nil || rerr != nil || s.Gateway != next || s.PID != 8 {
					t.Errorf("%q to %q: %+v, %v, %v", from, next, s, err, rerr)
				}
			case !errors.As(err, &refused) || refused.From != from || refused.To != next || string(after) != before:
				t.Errorf("%q to %q: %v, and the file says %s", from, next, err, after)
			}
		}
	}
}

func TestAMissingStateFileIsErrNoState(t *testing.T) {
	if _, err := ReadState(home(t)); !errors.Is(err, ErrNoState) {
		t.Errorf("got %v", err)
	}
}

func TestTheStateFileHasTheNamesOfTheContract(t *testing.T) {
	h := home(t)
	err := UpdateState(t.Context(), h, func(s *State) error {
		*s = State{Gateway: StateRunning, Desired: DesiredRunning, PID: 1, StartTime: 2, Kind: KindGateway, Argv: []string{"hermes"},
			HermesHome: "/h", ExitReason: "r", RestartRequested: true, ActiveAgents: 3, Platforms: map[string]string{"api": "up"}}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(h.StateFile())
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	names := []string{"gateway_state", "desired_state", "pid", "start_time", "kind", "argv", "hermes_home", "exit_reason",
		"restart_requested", "active_agents", "platforms", "updated_at"}
	for _, name := range names {
		if _, ok := all[name]; !ok {
			t.Errorf("%s is missing", name)
		}
	}
	if len(all) != len(names) || all["kind"] != "hermes-gateway" {
		t.Errorf("got %s", data)
	}
}

func TestUnknownFieldsSurviveARewrite(t *testing.T) {
	h := home(t)
	putState(t, h, `{"gateway_state":"running","theirs":{"big":12345678901234567890,"list":[1,null,"<x>"]},"a\"b":1.50}`)
	if err := SetDesired(t.Context(), h, DesiredStopped); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(h.StateFile())
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	var theirs struct {
		Big  json.Number
		List []any
	}
	if err := json.Unmarshal(all["theirs"], &theirs); err != nil || theirs.Big != "12345678901234567890" || len(theirs.List) != 3 || theirs.List[2] != "<x>" {
		t.Errorf("theirs became %s, %v", all["theirs"], err)
	}
	if string(all[`a"b`]) != "1.50" || string(all["gateway_state"]) != `"running"` || string(all["desired_state"]) != `"stopped"` {
		t.Errorf("got %s", data)
	}
}

func TestAnotherSpellingOfAFieldDoesNotWinOverTheField(t *testing.T) {
	h := home(t)
	putState(t, h, `{"Desired_State":"running","GATEWAY_STATE":"running"}`)
	if err := SetDesired(t.Context(), h, DesiredStopped); err != nil {
		t.Fatal(err)
	}
	if s, err := ReadState(h); err != nil || s.Desired != DesiredStopped {
		t.Errorf("the operator said stopped, the file says %q, %v", s.Desired, err)
	}
}

func TestWritersInManyGoroutinesAndProcessesLoseNothing(t *testing.T) {
	h := home(t)
	results := make(chan error)
	for range 3 {
		go func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), "HERMES_TEST_ADD="+h.Dir)
			out, err := cmd.CombinedOutput()
			if err != nil {
				err = fmt.Errorf("%w: %s", err, out)
			}
			results <- err
		}()
	}
	for range 5 {
		go func() { results <- addAgents(t.Context(), h, 20) }()
	}
	broken := make(chan error, 1)
	stop := make(chan struct{})
	go func() { // every write is atomic, so a reader never sees half a file
		for {
			select {
			case <-stop:
				broken <- nil
				return
			default:
			}
			if _, err := ReadState(h); err != nil && !errors.Is(err, ErrNoState) {
				broken <- err
				return
			}
		}
	}()
	for range 8 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	close(stop)
	if err := <-broken; err != nil {
		t.Errorf("a reader saw: %v", err)
	}
	if s, err := ReadState(h); err != nil || s.ActiveAgents != 160 {
		t.Errorf("160 additions make %d, %v", s.ActiveAgents, err)
	}
}

func TestAHalfWrittenStateIsKeptAsCorruptAndReplaced(t *testing.T) {
	h := home(t)
	half := `{"gateway_state":"run`
	putState(t, h, half)
	if _, err := ReadState(h); err == nil || !strings.Contains(err.Error(), h.StateFile()) {
		t.Errorf("got %v, want an error that names the file", err)
	}
	if err := SetDesired(t.Context(), h, DesiredRunning); err != nil {
		t.Fatal(err)
	}
	if s, err := ReadState(h); err != nil || s.Desired != DesiredRunning {
		t.Errorf("got %+v, %v", s, err)
	}
	if data, err := os.ReadFile(h.StateFile() + ".corrupt"); err != nil || string(data) != half {
		t.Errorf("kept %q, %v", data, err)
	}
}

func TestARefusedChangeWritesNothing(t *testing.T) {
	h := home(t)
	putState(t, h, `{"pid":7}`)
	no := errors.New("no")
	if err := UpdateState(t.Context(), h, func(s *State) error { s.PID = 8; return no }); err != no {
		t.Errorf("got %v", err)
	}
	if s, _ := ReadState(h); s.PID != 7 {
		t.Errorf("pid %d", s.PID)
	}
}

func TestAnEnormousStateIsRefused(t *testing.T) {
	h := home(t)
	putState(t, h, `{"exit_reason":"`+strings.Repeat("x", maxStateFile)+`"}`)
	if _, err := ReadState(h); err == nil || !strings.Contains(err.Error(), "too large") || len(err.Error()) > 500 {
		t.Errorf("got %.500v", err)
	}
}

func FuzzState(f *testing.F) {
	for _, s := range []string{`{}`, `null`, `[]`, `{"pid":1e3}`, `{"pid":"x"}`, `{"Pid":1,"x":{"y":[]}}`, `{"updated_at":"2026-01-02T03:04:05Z"}`,
		`{"a":1,"a":2}`, `{"":0}`, "{\"\xff\":1}", `{"active_agents":-1,"platforms":null}`, strings.Repeat("[", 20000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, content string) {
		var s State
		if err := json.Unmarshal([]byte(content), &s); err != nil {
			return
		}
		s.Gateway, s.ExitReason = StateStopped, "x"
		first, err := json.Marshal(s)
		if err != nil {
			t.Fatalf("%q is read but not written: %v", content, err)
		}
		var again State
		if err := json.Unmarshal(first, &again); err != nil {
			t.Fatalf("cannot read what was written, %s: %v", first, err)
		}
		if again.Gateway != s.Gateway || again.PID != s.PID || again.Desired != s.Desired || len(again.extra) != len(s.extra) || again.ExitReason != "x" {
			t.Errorf("%s became %+v", first, again)
		}
		if second, err := json.Marshal(again); err != nil || string(second) != string(first) {
			t.Errorf("%s became %s, %v", first, second, err)
		}
	})
}

// TestTheStateOfAnotherProgramIsRead: hermes-agent writes the same file, with more fields.
func TestTheStateOfAnotherProgramIsRead(t *testing.T) {
	h := home(t)
	putState(t, h, `{"gateway_state":"running","pid":4711,"start_time":17.5,"platforms":{"telegram":{"state":"connected","error_code":null},"api":"up"}}`)
	s, err := ReadState(h)
	if err != nil || s.Gateway != StateRunning || s.StartTime != 17 || s.Platforms["telegram"] != "connected" || s.Platforms["api"] != "up" {
		t.Fatalf("%+v %v", s, err)
	}
	// A change of another field keeps hermes-agent's objects as they are.
	if err := SetDesired(t.Context(), h, DesiredStopped); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(h.StateFile())
	if err != nil || !strings.Contains(strings.Join(strings.Fields(string(data)), ""), `"telegram":{"state":"connected","error_code":null}`) {
		t.Errorf("%s %v", data, err)
	}
	if err := UpdateState(t.Context(), h, func(s *State) error { s.Platforms = map[string]string{"api": "up"}; return nil }); err != nil {
		t.Fatal(err)
	}
	if s, err := ReadState(h); err != nil || len(s.Platforms) != 1 || s.Desired != DesiredStopped || s.Gateway != StateRunning {
		t.Errorf("%+v %v", s, err)
	}
	for _, bad := range []string{`{"start_time":1e300}`, `{"start_time":"soon"}`, `{"platforms":[]}`, `{"platforms":{"a":{"state":1}}}`} {
		putState(t, h, bad)
		if _, err := ReadState(h); err == nil || !strings.Contains(err.Error(), h.StateFile()) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
