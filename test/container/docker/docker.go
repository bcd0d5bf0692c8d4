// Package docker calls the docker command for the container tests and the benchmarks. It uses the command instead of a client
// library, because users type the command.
package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Label marks everything that the tests and the benchmarks create, so that a person can find and remove what an interrupted run
// left: docker ps -aq --filter label=hermes-test=1.
const Label = "hermes-test=1"

// TestClientPath is the path of the test client in a container.
const TestClientPath = "/testclient"

// TestServerPath is the same program under another name, for the agent of the tests. A test that looks for processes by
// TestClientPath, or ends them, does not find the agent.
const TestServerPath = "/testserver"

// Image returns the image under test: HERMES_TEST_IMAGE, or hermes:dev.
func Image() string {
	if image := os.Getenv("HERMES_TEST_IMAGE"); image != "" {
		return image
	}
	return "hermes:dev"
}

// Result is the outcome of one docker command.
type Result struct {
	Args   []string
	Stdout string
	Stderr string
	// Code is docker's exit code, which for run and exec is that of the command. It is -1 if docker could not be run, or if the
	// context ended before.
	Code int
	Err  error // set exactly if Code is -1
	Took time.Duration
}

// Failed returns nil if the command ended with code 0. Otherwise the error shows the command and all its output.
func (r Result) Failed() error {
	if r.Code == 0 {
		return nil
	}
	return fmt.Errorf("%s", r)
}

func (r Result) String() string {
	s := fmt.Sprintf("docker %s: code %d after %s", strings.Join(r.Args, " "), r.Code, r.Took.Round(time.Millisecond))
	if r.Err != nil {
		s += fmt.Sprintf(" (%v)", r.Err)
	}
	return s + "\nstdout: " + r.Stdout + "\nstderr: " + r.Stderr
}

// Do runs docker with these arguments and waits until it has ended. stdin may be nil.
func Do(ctx context.Context, stdin io.Reader, args ...string) Result {
	return DoIn(ctx, "", stdin, args...)
}

// DoIn is Do in a directory; "" is the directory of this process.
func DoIn(ctx context.Context, dir string, stdin io.Reader, args ...string) Result {
	if args[0] == "build" {
		// The classic builder keeps the container of a failed step, with its anonymous volumes.
		args = slices.Insert(slices.Clone(args), 1, "--force-rm")
	}
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Dir = dir
	// If `docker run` is cut off, another process may still hold its pipes.
	cmd.WaitDelay = 5 * time.Second
	// Use the classic builder, which needs nothing else and is available everywhere.
	cmd.Env = append(os.Environ(), "DOCKER_BUILDKIT=0")
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	begin := time.Now()
	err := cmd.Run()
	r := Result{Args: args, Stdout: stdout.String(), Stderr: stderr.String(), Took: time.Since(begin)}
	var exit *exec.ExitError
	switch {
	case err == nil:
	case ctx.Err() != nil:
		r.Code, r.Err = -1, ctx.Err()
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		r.Code = exit.ExitCode()
	default:
		r.Code, r.Err = -1, err
	}
	return r
}

// Check reports whether docker works and the image exists. Its error has the next command to type.
func Check(ctx context.Context, image string) error {
	if r := Do(ctx, nil, "version", "--format", "{{.Server.Version}}"); r.Code != 0 {
		return fmt.Errorf("cannot test the container: docker does not work here; start dockerd\n%s", r)
	}
	if r := Do(ctx, nil, "image", "inspect", "--format", "{{.Id}}", image); r.Code != 0 {
		return fmt.Errorf("cannot test the container: no image %s; build it with `make image`, or name another one in HERMES_TEST_IMAGE\n%s", image, r)
	}
	return nil
}

// BuildTestClient compiles the test client statically into dir and returns its path.
func BuildTestClient(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "testclient")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", path, "hermes/test/container/testclient")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build the test client: %w\n%s", err, out)
	}
	return path, nil
}

// MountTestClient returns the arguments of `docker run` that mount the test client at its paths.
func MountTestClient(path string) []string {
	var args []string
	for _, target := range []string{TestClientPath, TestServerPath} {
		args = append(args, "--mount", "type=bind,source="+path+",target="+target+",readonly")
	}
	return args
}
