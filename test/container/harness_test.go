// Package container_test tests the real image with the real docker command. It skips nothing: without docker or without the image
// the tests fail and say what to do.
//
// Containers run with --network none. So the tests use docker exec and a small client (testclient), which is mounted at /testclient.
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
	// maxContainers is how many tests may have containers at a time. They mostly wait.
	maxContainers = 8
	// commandTimeout limits one docker command. None should take a tenth of it.
	commandTimeout = 90 * time.Second
	// soon is the deadline for conditions that normally become true within a second or two.
	soon = 45 * time.Second
	// runtimeUID is the uid and gid of the runtime user, unless a test changes them.
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
	// By default as many tests run at a time as there are processors. These tests mostly wait, so allow more; the function parallel
	// limits those with containers.
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

// parallel lets a test run beside others as soon as there is room for its containers. A test with parallel subtests calls parallel
// only in these and t.Parallel itself; otherwise no other test could run beside them.
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

// uniqueName returns a name for a container, a volume or an image that nothing else uses.
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

// do runs docker. The test fails if docker itself could not run the command in time. The caller judges the exit code of the command.
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

// must is do for a command that must succeed.
func must(t *testing.T, args ...string) docker.Result {
	t.Helper()
	r := do(t, args...)
	if err := r.Failed(); err != nil {
		t.Fatal(err)
	}
	return r
}

// cleanUp runs docker in a cleanup function, when the context of the test has ended.
func cleanUp(t *testing.T, args ...string) docker.Result {
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	r := docker.Do(ctx, nil, args...)
	if r.Code != 0 {
		t.Logf("cannot clean up: %s", r)
	}
	return r
}

// eventually waits until check returns nil. If that takes longer than the deadline, the test fails with the last error. The harness
// pauses between two checks; the tests themselves never sleep.
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

// throughout checks a condition many times for a while, and fails the test as soon as it is false. It is for promises that something
// does not happen.
func throughout(t *testing.T, d time.Duration, what string, check func() error) {
	t.Helper()
	for begin := time.Now(); time.Since(begin) < d; time.Sleep(100 * time.Millisecond) {
		if err := check(); err != nil {
			t.Fatalf("%s: not after %s: %v", what, time.Since(begin).Round(time.Millisecond), err)
		}
	}
}

// volume makes a volume that is removed at the end of the test.
func volume(t *testing.T) string {
	t.Helper()
	name := uniqueName(t)
	must(t, "volume", "create", "--label", docker.Label, name)
	t.Cleanup(func() { cleanUp(t, "volume", "rm", "-f", name) })
	return name
}

// seed writes a file that belongs to the runtime user onto a volume, before a container boots on it.
func seed(t *testing.T, vol, path, content string) {
	t.Helper()
	r := doWithInput(t, content, "run", "--rm", "-i", "--label", docker.Label, "--network", "none",
		"-v", vol+":/opt/data", "--entrypoint", "sh", "--user", "0", image,
		"-c", fmt.Sprintf(`cat > "$1" && chown %d:%[1]d /opt/data "$1"`, runtimeUID), "sh", "/opt/data/"+path)
	if err := r.Failed(); err != nil {
		t.Fatal(err)
	}
}

// derive builds an image FROM the image under test, with these lines added.
func derive(t *testing.T, files map[string]string, dockerfile ...string) string {
	t.Helper()
	dir := t.TempDir()
	tag := uniqueName(t)
	// The label makes the first layer different for each image. docker removes the untagged parents of an image together with it,
	// and these must not belong to an image that is being built.
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
