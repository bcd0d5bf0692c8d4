// Package container_test drives the real image with the real docker command. Nothing is
// skipped: without docker, or without the image, the tests fail and say what to do.
//
// Containers run with --network none, so the tests reach into them with docker exec and a
// small client of their own (testclient) that is mounted at /testclient.
package container_test

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"hermes/test/container/docker"
)

const (
	// maxContainers is how many tests may have containers at once. Most of the time they wait.
	maxContainers = 8
	// commandTimeout bounds one docker command, none of which should take a tenth of it.
	commandTimeout = 90 * time.Second
	// soon is the deadline of conditions that come true in a second or two when all is well.
	soon = 45 * time.Second
	// runtimeUID is the uid and gid of the runtime user unless remapped.
	runtimeUID = 10000
)

var (
	image      = docker.Image()
	runPrefix  = "hermes-test-" + strings.ToLower(rand.Text()[:8]) + "-" // of all names of this run
	testClient string                                                    // path on the host
	engine     *docker.Engine
	browser    chromium
)

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	// The default, one test for each processor, is for those that work. These wait, and parallel says how many may.
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set("64")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "hermes-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	cleanUp, err := docker.RemoveAfter(runPrefix, dir)
	if err == nil {
		defer func() { _ = cleanUp() }()
		engine, err = docker.NewEngine()
	}
	if err == nil {
		err = errors.Join(docker.Check(ctx, image), buildTestClient(ctx, dir))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	browser.dir = dir
	defer browser.stop()
	return m.Run()
}

func buildTestClient(ctx context.Context, dir string) (err error) {
	testClient, err = docker.BuildTestClient(ctx, dir)
	return err
}

// parallel lets a test run beside others, as soon as there is room for its containers.
// A test with parallel subtests calls it in those only, and t.Parallel itself: else no other test runs beside them.
func parallel(t *testing.T) {
	t.Helper()
	t.Parallel()
	room <- struct{}{}
	t.Cleanup(func() { <-room })
}

var room = make(chan struct{}, maxContainers)

var names struct {
	sync.Mutex
	next int
}

// uniqueName returns a name for a container, a volume or an image that nobody else uses.
func uniqueName(t *testing.T) string {
	names.Lock()
	defer names.Unlock()
	names.next++
	test := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(t.Name()))
	return fmt.Sprintf("%s%d-%.50s", runPrefix, names.next, strings.Trim(test, "-"))
}

// do runs docker and fails the test if docker itself could not do it in time. The code of
// the command that docker ran is the caller's to judge.
func do(t *testing.T, args ...string) docker.Result {
	t.Helper()
	return doWithInput(t, "", args...)
}

func doWithInput(t *testing.T, input string, args ...string) docker.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTimeout)
	defer cancel()
	r := docker.Do(ctx, strings.NewReader(input), args...)
	if r.Err != nil {
		t.Fatal(r)
	}
	return r
}

// must is do for a command that has to succeed.
func must(t *testing.T, args ...string) docker.Result {
	t.Helper()
	r := do(t, args...)
	if err := r.Failed(); err != nil {
		t.Fatal(err)
	}
	return r
}

// cleanUp runs docker in a cleanup, when the test's own context is over.
func cleanUp(t *testing.T, args ...string) docker.Result {
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	r := docker.Do(ctx, nil, args...)
	if r.Code != 0 {
		t.Logf("cannot clean up: %s", r)
	}
	return r
}

// eventually waits until check returns nil, and fails the test with its last error if that
// takes longer than the deadline. The pause between two looks belongs to the harness: tests
// themselves never sleep.
func eventually(t *testing.T, deadline time.Duration, what string, check func() error) {
	t.Helper()
	if err := waitFor(deadline, check); err != nil {
		t.Fatalf("%s: not within %s: %v", what, deadline, err)
	}
}

func waitFor(deadline time.Duration, check func() error) error {
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		err := check()
		if err == nil || time.Since(begin) > deadline {
			return err
		}
	}
}

// throughout looks at a condition again and again for a while, and fails the test as soon
// as it does not hold. It is for promises that something does not happen.
func throughout(t *testing.T, d time.Duration, what string, check func() error) {
	t.Helper()
	for begin := time.Now(); time.Since(begin) < d; time.Sleep(100 * time.Millisecond) {
		if err := check(); err != nil {
			t.Fatalf("%s: not after %s: %v", what, time.Since(begin).Round(time.Millisecond), err)
		}
	}
}

// volume makes a volume that goes with the test.
func volume(t *testing.T) string {
	t.Helper()
	name := uniqueName(t)
	must(t, "volume", "create", "--label", docker.Label, name)
	t.Cleanup(func() { cleanUp(t, "volume", "rm", "-f", name) })
	return name
}

// seed puts a file on a volume, as the runtime user's, before any container boots on it.
func seed(t *testing.T, vol, path, content string) {
	t.Helper()
	r := doWithInput(t, content, "run", "--rm", "-i", "--label", docker.Label, "--network", "none",
		"-v", vol+":/opt/data", "--entrypoint", "sh", "--user", "0", image,
		"-c", fmt.Sprintf(`cat > "$1" && chown %d:%[1]d /opt/data "$1"`, runtimeUID), "sh", "/opt/data/"+path)
	if err := r.Failed(); err != nil {
		t.Fatal(err)
	}
}

// derive builds an image FROM the one under test with these lines added.
func derive(t *testing.T, files map[string]string, dockerfile ...string) string {
	t.Helper()
	dir := t.TempDir()
	tag := uniqueName(t)
	// The name makes the first layer this image's own: removing an image takes its untagged
	// parents along, which must not be those of one that is being built.
	label := fmt.Sprintf("LABEL %s hermes-test-name=%s\n", docker.Label, tag)
	files["Dockerfile"] = "FROM " + image + "\n" + label + strings.Join(dockerfile, "\n") + "\n"
	for name, content := range files {
		if err := os.WriteFile(dir+"/"+name, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	must(t, "build", "--network", "none", "-t", tag, dir)
	t.Cleanup(func() { cleanUp(t, "image", "rm", "-f", tag) })
	return tag
}
