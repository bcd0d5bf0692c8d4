//go:build unix

package cli_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// foreign makes what hermes-agent 0.21 leaves in its home: the files of the root profile and of one more.
func foreign(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 && (len(args) != 2 || args[1] != "bare") {
		ts.Fatalf("usage: foreign DIR [bare]")
	}
	other, err := freePort()
	ts.Check(err)
	root := ts.MkAbs(args[0])
	for home, port := range map[string]string{root: ts.Getenv("PORT"), filepath.Join(root, "profiles", "coder"): strconv.Itoa(other)} {
		for name, text := range map[string]string{
			"SOUL.md": "You are an agent.\n",
			"config.yaml": "_config_version: 50\nmodel:\n  default: llama3\n  provider: custom\n  base_url: http://127.0.0.1:11434/v1\n" +
				"terminal:\n  backend: local\nplatforms:\n  telegram:\n    enabled: true\n    extra:\n      allow_from: ['1001']\n" +
				"mcp_servers: {}\nstreaming:\n  enabled: false\napprovals:\n  mode: manual\n",
			".env":              fmt.Sprintf("API_SERVER_PORT=%s\nAPI_SERVER_KEY=abcdef-0123456789-abcdef\nTELEGRAM_BOT_TOKEN=1:none\n", port),
			"memories/USER.md":  "name: A\n",
			"cron/jobs.json":    `{"jobs": [{"id": "a1b2c3", "name": "morning", "prompt": "say good morning"}]}`,
			"pairing/list.json": `{"1002": {"user_name": "b", "approved_at": 1}}`,
			"gateway_state.json": `{"pid": 4711, "kind": "hermes-gateway", "gateway_state": "running", "start_time": 17.5, "hermes_home": "/opt/data",
				"platforms": {"telegram": {"state": "connected", "error_code": null}}, "updated_at": "2026-11-01T00:00:00+00:00"}`,
		} {
			if name == ".env" && len(args) == 2 {
				text = "TELEGRAM_BOT_TOKEN=1:none"
			}
			path := filepath.Join(home, filepath.FromSlash(name))
			ts.Check(os.MkdirAll(filepath.Dir(path), 0o700))
			ts.Check(os.WriteFile(path, []byte(text), 0o600))
		}
		db, err := sql.Open("sqlite", filepath.Join(home, "state.db"))
		ts.Check(err)
		_, err = db.Exec(`PRAGMA journal_mode = WAL; CREATE TABLE schema_version (version INTEGER NOT NULL); INSERT INTO schema_version VALUES (30);
			CREATE TABLE sessions (id TEXT PRIMARY KEY, source TEXT NOT NULL, user_id TEXT, started_at REAL NOT NULL, title TEXT);
			CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL, role TEXT NOT NULL, content TEXT, timestamp REAL NOT NULL);
			INSERT INTO messages (session_id, role, content, timestamp) VALUES ('20261101_070000_0a1b2c3d', 'user', 'which tea?', 1)`)
		ts.Check(err)
		ts.Check(db.Close())
	}
}

// former replaces a database with one of the time before databases were marked, under the name that databases had then.
func former(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: former FILE NAME")
	}
	data, err := os.ReadFile(filepath.Join("..", "store", "testdata", "schema-1.db"))
	ts.Check(err)
	ts.Check(os.Remove(ts.MkAbs(args[0])))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), data, 0o600))
	db, err := sql.Open("sqlite", ts.MkAbs(args[1]))
	ts.Check(err)
	_, err = db.Exec("PRAGMA application_id = 0")
	ts.Check(err)
	ts.Check(db.Close())
}
