package container_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hermes/test/container/docker"
)

// box is a container under test.
type box struct {
	t    *testing.T
	name string

	agentMu sync.Mutex
	agent   *agent // nil before root's first command
}

// options are what a test passes to `docker run`.
type options struct {
	image string   // default: the image under test
	flags []string // of docker run; they stand before the image
	env   []string
	vol   string // volume for /opt/data; default: an anonymous volume
}

// start runs `docker run -d IMAGE cmd...` and returns at once. The container is removed at the end of the test. If the test failed,
// its log is printed.
func start(t *testing.T, o options, cmd ...string) *box {
	t.Helper()
	b := &box{t: t, name: uniqueName(t)}
	t.Cleanup(b.remove)
	must(t, append([]string{"run", "-d"}, b.args(o, cmd)...)...)
	return b
}

// run runs `docker run IMAGE cmd...` in the foreground and returns when the container has ended.
func run(t *testing.T, o options, cmd ...string) docker.Result {
	t.Helper()
	b := &box{t: t, name: uniqueName(t)}
	t.Cleanup(b.remove)
	return do(t, append([]string{"run"}, b.args(o, cmd)...)...)
}

func (b *box) args(o options, cmd []string) []string {
	args := []string{"--name", b.name, "--label", docker.Label, "--network", "none"}
	args = append(args, docker.MountTestClient(testClient)...)
	for _, kv := range o.env {
		args = append(args, "-e", kv)
	}
	if o.vol != "" {
		args = append(args, "-v", o.vol+":/opt/data")
	}
	args = append(args, o.flags...)
	if o.image == "" {
		o.image = image
	}
	return append(append(args, o.image), cmd...)
}

func (b *box) remove() {
	if b.t.Failed() {
		r := cleanUp(b.t, "logs", "--timestamps", b.name)
		b.t.Logf("docker logs of %s\n---- stdout\n%s---- stderr\n%s----", b.name, tail(r.Stdout), tail(r.Stderr))
	}
	cleanUp(b.t, "rm", "-f", "-v", b.name)
	if b.agent != nil {
		b.agent.end()
	}
}

// tail shortens a very long log, so that the failure can still be found.
func tail(s string) string {
	const most = 8000
	if len(s) > most {
		return "...\n" + s[len(s)-most:]
	}
	return s
}

// exec runs a command in the container as a user; "" is the image's user, which is root.
func (b *box) exec(user string, cmd ...string) docker.Result {
	b.t.Helper()
	return b.execInput("", user, cmd...)
}

func (b *box) execInput(input, user string, cmd ...string) docker.Result {
	b.t.Helper()
	// What the tests themselves do as root goes through the agent, which is faster. Commands that users type, and commands of other
	// users, go through docker exec.
	if user == "0" && cmd[0] != "hermes" {
		if r, ok := b.inside(input, cmd); ok {
			return r
		}
	}
	args := []string{"exec", "-i"}
	if user != "" {
		args = append(args, "-u", user)
	}
	var r docker.Result
	// Right after docker start the container runtime may not know yet that the container runs.
	_ = waitFor(5*time.Second, func() error {
		r = doWithInput(b.t, input, append(append(args, b.name), cmd...)...)
		if r.Code == 126 && strings.Contains(r.Stdout+r.Stderr, "cannot exec in a stopped container") && b.running() == nil {
			return errors.New("not yet")
		}
		return nil
	})
	return r
}

// mustExec is exec for a command that must succeed. It returns the command's stdout, trimmed.
func (b *box) mustExec(user string, cmd ...string) string {
	b.t.Helper()
	r := b.exec(user, cmd...)
	if err := r.Failed(); err != nil {
		b.t.Fatal(err)
	}
	return strings.TrimSpace(r.Stdout)
}

// background starts a command in the container and does not wait for it.
func (b *box) background(user string, cmd ...string) {
	b.t.Helper()
	must(b.t, append([]string{"exec", "-d", "-u", user, b.name}, cmd...)...)
}

// logs returns what the container wrote.
func (b *box) logs() (stdout, stderr string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), commandTimeout)
	defer cancel()
	stdout, stderr, err := engine.Logs(ctx, b.name)
	if err != nil {
		b.t.Fatal(err)
	}
	return stdout, stderr
}

// allLogs returns both streams. It is for messages that may be on either stream.
func (b *box) allLogs() string {
	b.t.Helper()
	stdout, stderr := b.logs()
	return stdout + stderr
}

// lastLine returns the last line that the container wrote, on either stream.
func (b *box) lastLine() string {
	b.t.Helper()
	r := must(b.t, "logs", "--timestamps", b.name)
	last := ""
	for line := range strings.Lines(r.Stdout + r.Stderr) {
		// RFC 3339 timestamps of the same width can be compared as text.
		if line = strings.TrimSpace(line); line > last {
			last = line
		}
	}
	_, text, _ := strings.Cut(last, " ")
	return text
}

// wait waits until the container has ended and returns its exit code.
func (b *box) wait() int {
	b.t.Helper()
	code, err := strconv.Atoi(strings.TrimSpace(must(b.t, "wait", b.name).Stdout))
	if err != nil {
		b.t.Fatal(err)
	}
	return code
}

// stop runs docker stop with so much time that a container that had to be killed can be told from one that ended by itself.
func (b *box) stop() docker.Result {
	b.t.Helper()
	return must(b.t, "stop", "-t", "30", b.name)
}

// inspect returns one value of docker inspect.
func (b *box) inspect(format string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), commandTimeout)
	defer cancel()
	text, err := engine.Inspect(ctx, b.name, format)
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

func (b *box) running() error {
	b.t.Helper()
	if state := b.inspect("{{.State.Status}} {{.State.ExitCode}}"); !strings.HasPrefix(state, "running ") {
		return fmt.Errorf("the container is %s", state)
	}
	return nil
}

// file returns the content of a file in the container, which may have ended. Without the file the test fails.
func (b *box) file(path string) string {
	b.t.Helper()
	content, err := b.readFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	return content
}

// gatewayState returns the content of gateway_state.json of the default profile.
func (b *box) gatewayState() map[string]any {
	b.t.Helper()
	var state map[string]any
	text := b.file("/opt/data/gateway_state.json")
	if err := json.Unmarshal([]byte(text), &state); err != nil {
		b.t.Fatalf("%v in %s", err, text)
	}
	return state
}
