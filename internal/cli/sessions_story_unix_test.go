//go:build unix

package cli_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"hermes/internal/profile"
	"hermes/internal/profile/env"
)

// say PROFILE SESSION TEXT sends a message to the gateway that listens on $PORT, which must answer.
func say(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: say PROFILE SESSION TEXT")
	}
	env, err := env.Load(homeOf(ts, args[0]))
	ts.Check(err)
	body, err := json.Marshal(map[string]any{"messages": []map[string]string{{"role": "user", "content": args[2]}}})
	ts.Check(err)
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://127.0.0.1:"+ts.Getenv("PORT")+"/v1/chat/completions", strings.NewReader(string(body)))
	ts.Check(err)
	req.Header.Set("Authorization", "Bearer "+env["API_SERVER_KEY"])
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Hermes-Session", args[1])
	client := http.Client{Timeout: deadline, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	if data, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		ts.Fatalf("%s %s %v", resp.Status, data, err)
	}
}

// aged PROFILE SESSION DAYS makes a session look as if nobody had written to it for so many days.
func aged(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: aged PROFILE SESSION DAYS")
	}
	days, err := strconv.Atoi(args[2])
	ts.Check(err)
	db, err := sql.Open("sqlite", "file:"+homeOf(ts, args[0]).Database()+"?_pragma=busy_timeout(5000)")
	ts.Check(err)
	defer db.Close()
	_, err = db.ExecContext(context.Background(), "UPDATE sessions SET updated = ? WHERE id = ?", time.Now().AddDate(0, 0, -days).UnixMilli(), args[1])
	ts.Check(err)
}

func homeOf(ts *testscript.TestScript, name string) profile.Home {
	n, err := profile.ParseName(name)
	ts.Check(err)
	return profile.NewStore(ts.Getenv("HERMES_HOME")).Home(n)
}
