package container_test

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hermes/test/container/docker"
)

// readFile reads a regular file of a container, which may have ended, through docker cp.
func (b *box) readFile(path string) (string, error) {
	b.t.Helper()
	r := do(b.t, "cp", "-L", b.name+":"+path, "-")
	if err := r.Failed(); err != nil {
		return "", err
	}
	archive := tar.NewReader(strings.NewReader(r.Stdout))
	if _, err := archive.Next(); err != nil {
		return "", err
	}
	content, err := io.ReadAll(archive)
	return string(content), err
}

// process is a process in the output of `testclient ps`.
type process struct {
	PID     int
	PPID    int
	UID     int
	GID     int
	Groups  []int
	State   string
	Comm    string
	Cmdline []string
	Exe     string
	Cwd     string
	FDs     []string
	Env     []string
	Caps    uint64
	Session int
	TTY     int
	Start   uint64
}

func (p process) String() string {
	return fmt.Sprintf("%d ppid=%d uid=%d %s [%s]", p.PID, p.PPID, p.UID, p.State, strings.Join(p.Cmdline, " "))
}

func (p process) life() life { return life{p.PID, strconv.FormatUint(p.Start, 10)} }

// isGateway reports whether p is a running gateway. A `gateway run` that only redirects has ended, or has become sleep, when the
// slot is up.
func (p process) isGateway() bool {
	if len(p.Cmdline) < 3 || p.Comm != "hermes" || p.isHermes("init") {
		return false
	}
	i := slices.Index(p.Cmdline, "gateway")
	return i > 0 && i+1 < len(p.Cmdline) && p.Cmdline[i+1] == "run"
}

// last returns the last word of the command line, or "". The kernel shows no command line of a process that is about to end.
func (p process) last() string {
	if len(p.Cmdline) == 0 {
		return ""
	}
	return p.Cmdline[len(p.Cmdline)-1]
}

func (p process) isHeartbeat() bool { return slices.Equal(p.Cmdline, []string{"sleep", "infinity"}) }

func (p process) isHermes(command ...string) bool {
	return len(p.Cmdline) > len(command) && p.Comm == "hermes" && slices.Equal(p.Cmdline[1:1+len(command)], command)
}

// ps returns every process in the container except the client itself.
func (b *box) ps() []process {
	b.t.Helper()
	r := b.mustExec("0", docker.TestClientPath, "ps")
	return decode[[]process](b.t, r)
}

// freeze stops a process with SIGSTOP, and returns when all its threads have stopped; each stops when it sees the signal.
func (b *box) freeze(pid int) {
	b.t.Helper()
	b.mustExec("0", "sh", "-c", fmt.Sprintf("kill -STOP %d", pid))
	eventually(b.t, soon, "all threads have stopped", func() error {
		states := b.mustExec("0", "sh", "-c", fmt.Sprintf("grep -h ^State: /proc/%d/task/*/status", pid))
		for state := range strings.Lines(states) {
			if !strings.Contains(state, "T (stopped)") {
				return errors.New(state)
			}
		}
		return nil
	})
}

// only returns the processes for which keep is true.
func only(list []process, keep func(process) bool) []process {
	return slices.DeleteFunc(slices.Clone(list), func(p process) bool { return !keep(p) })
}

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return v
}

// status is what s6-svstat prints about a slot.
type status struct {
	up, ready, wantedUp bool
	life                // of the running process, or of the moment when the slot went down
}

// life identifies one process. The pid alone does not: a container that is started again often gives its processes the same pids.
type life struct {
	pid   int
	began string // s6's time stamp, or the kernel's count of ticks; compare only lives from the same source
}

// never is a life that no process has.
var never life

func slotPath(slot string) string { return "/run/service/" + slot }

// svstat runs s6-svstat on a slot. An error means that the slot does not exist yet.
func (b *box) svstat(slot string) (status, error) {
	b.t.Helper()
	r := b.exec("0", "s6-svstat", "-o", "up,ready,wantedup,pid,updownsince", slotPath(slot))
	if err := r.Failed(); err != nil {
		return status{}, err
	}
	f := strings.Fields(r.Stdout)
	if len(f) != 5 {
		return status{}, fmt.Errorf("s6-svstat says %q", r.Stdout)
	}
	pid, err := strconv.Atoi(f[3])
	return status{up: f[0] == "true", ready: f[1] == "true", wantedUp: f[2] == "true", life: life{pid, f[4]}}, err
}

// isReady is a condition for eventually.
func (b *box) isReady(slot string) func() error {
	return func() error {
		s, err := b.svstat(slot)
		if err == nil && !(s.up && s.ready && s.wantedUp) {
			err = fmt.Errorf("%s: %+v", slot, s)
		}
		return err
	}
}

// isDown is a condition for eventually and throughout: the slot is down and wanted down.
func (b *box) isDown(slot string) func() error {
	return func() error {
		s, err := b.svstat(slot)
		if err == nil && (s.up || s.wantedUp) {
			err = fmt.Errorf("%s: %+v", slot, s)
		}
		return err
	}
}

// waitReady waits until a slot is up and ready, and returns the life of its process.
func (b *box) waitReady(slot string) life {
	b.t.Helper()
	return b.waitReplaced(slot, never)
}

// waitReplaced waits until a slot is up and ready with another process than before.
func (b *box) waitReplaced(slot string, before life) (now life) {
	b.t.Helper()
	eventually(b.t, soon, slot+" is up and ready", func() error {
		s, err := b.svstat(slot)
		if err == nil && (!s.up || !s.ready || !s.wantedUp || s.life == before) {
			err = fmt.Errorf("%s: %+v, before: %+v", slot, s, before)
		}
		now = s.life
		return err
	})
	return now
}

// isStill returns nil if a slot is ready with the same process as before.
func (b *box) isStill(slot string, before life) error {
	s, err := b.svstat(slot)
	if err == nil && (!s.ready || s.life != before) {
		err = fmt.Errorf("%s: %+v, before: %+v", slot, s, before)
	}
	return err
}

// kill kills a process with SIGKILL.
func (b *box) kill(l life) {
	b.t.Helper()
	b.mustExec("0", "sh", "-c", "kill -KILL "+strconv.Itoa(l.pid))
}

// deaths returns how many deaths of a slot's process s6 has recorded.
func (b *box) deaths(slot string) int {
	b.t.Helper()
	r := b.exec("0", "s6-svdt", slotPath(slot))
	if r.Code != 0 && strings.Contains(r.Stderr, "No such file or directory") {
		return 0 // before the first supervisor there is no record
	}
	if err := r.Failed(); err != nil {
		b.t.Fatal(err)
	}
	return len(strings.FieldsFunc(r.Stdout, func(c rune) bool { return c == '\n' }))
}

// response is the output of `testclient http`.
type response struct {
	Status int
	Header map[string][]string
	Lines  []struct {
		MS   float64
		Text string
	}
	Error string
}

func (r response) body() string {
	texts := make([]string, len(r.Lines))
	for i, line := range r.Lines {
		texts[i] = line.Text
	}
	return strings.Join(texts, "\n")
}

// http sends a request from inside the container. The flags are those of `testclient http`.
func (b *box) http(method, url, body string, flags ...string) response {
	b.t.Helper()
	cmd := append([]string{docker.TestClientPath, "http", "-method", method}, flags...)
	r := b.execInput(body, "0", append(cmd, url)...)
	if err := r.Failed(); err != nil {
		b.t.Fatal(err)
	}
	return decode[response](b.t, r.Stdout)
}

const apiURL = "http://127.0.0.1:8642"

// bearer returns the flags that authorize a request to the default gateway.
func (b *box) bearer() []string {
	b.t.Helper()
	for line := range strings.Lines(b.file("/opt/data/.env")) {
		if key, ok := strings.CutPrefix(strings.TrimSpace(line), "API_SERVER_KEY="); ok {
			return []string{"-H", "Authorization: Bearer " + strings.Trim(key, `"'`)}
		}
	}
	b.t.Fatal("no API_SERVER_KEY in /opt/data/.env")
	return nil
}

// say sends a message to the default gateway in a session and returns the answer.
func (b *box) say(session, words string) response {
	b.t.Helper()
	return b.http("POST", apiURL+"/v1/chat/completions", chatBody(words, false),
		append(b.bearer(), "-H", "X-Hermes-Session: "+session)...)
}

func chatBody(words string, stream bool) string {
	data, err := json.Marshal(map[string]any{
		"model":    "hermes",
		"stream":   stream,
		"messages": []any{map[string]string{"role": "user", "content": words}},
	})
	if err != nil {
		panic(err) // strings and a bool can always be encoded
	}
	return string(data)
}
