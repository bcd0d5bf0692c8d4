package container_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hermes/test/container/docker"
)

// freshMachine has git, make, a user, and curl, which the command that `make up` prints needs. It gets Go from the machine that runs
// the tests.
const freshMachine = `FROM debian:trixie-slim
LABEL ` + docker.Label + `
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends git make curl && \
    rm -rf /var/lib/apt/lists/* && useradd -m -u 1500 me
CMD ["sleep", "infinity"]
`

// TestMakeUpOnAFreshMachine builds the code on a machine without anything of ours, and runs the commands that are printed. It uses
// what this machine has already compiled, because it does not test that Go can compile.
func TestMakeUpOnAFreshMachine(t *testing.T) {
	parallel(t)
	tag := fmt.Sprintf("hermes-test-fresh:%x", sha256.Sum256([]byte(freshMachine)))[:40]
	if do(t, "image", "inspect", "--format", "{{.Id}}", tag).Code != 0 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // packages are downloaded
		defer cancel()
		if r := docker.Do(ctx, strings.NewReader(freshMachine), "build", "--network", "host", "-t", tag, "-"); r.Code != 0 {
			t.Fatal(r)
		}
	}
	goEnv := func(name string) string {
		out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	// Hard links in separate directories: what the container writes there does not reach this machine's cache.
	cache := filepath.Join(t.TempDir(), "compiled")
	compiled := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-gcflags=all=-dwarf=false", "-o", t.TempDir(), "hermes/cmd/hermes") // as script/up
	compiled.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := compiled.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	take := exec.CommandContext(t.Context(), "sh", "-c", `cp -al -- "$1" "$2" && find "$2" -type d -exec chown 1500:1500 {} + && chmod 755 "$(dirname "$2")"`, "sh", goEnv("GOCACHE"), cache)
	if out, err := take.CombinedOutput(); err != nil {
		t.Logf("compiled anew: %v\n%s", err, out) // the cache is on another file system
		if err := errors.Join(os.RemoveAll(cache), os.Mkdir(cache, 0o755), os.Chown(cache, 1500, 1500)); err != nil {
			t.Fatal(err)
		}
	}
	b := start(t, options{image: tag, flags: []string{"-v", goEnv("GOROOT") + ":/usr/local/go:ro", "-v", goEnv("GOMODCACHE") + ":/gomod:ro", "-v", cache + ":/compiled"},
		env: []string{"PATH=/usr/local/go/bin:/usr/local/bin:/usr/bin:/bin", "GOMODCACHE=/gomod", "GOCACHE=/compiled", "GOPROXY=off", "GOTOOLCHAIN=local"}})

	// Copy the files as they are, with changes that are not committed.
	dir := t.TempDir()
	tree := exec.CommandContext(t.Context(), "sh", "-c", `git ls-files -z --cached --others --exclude-standard --deduplicate | tar -c --null -T - --ignore-failed-read | tar -x -C "$1"`, "sh", dir)
	tree.Dir = filepath.Join("..", "..")
	if out, err := tree.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	must(t, "cp", dir, b.name+":/home/me/hermes")
	b.mustExec("0", "chown", "-R", "me:me", "/home/me/hermes")

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	begun := time.Now()
	r := docker.Do(ctx, nil, "exec", "-u", "me", "-w", "/home/me/hermes", "-e", "HOME=/home/me", b.name, "make", "up")
	if err := r.Failed(); err != nil {
		t.Fatal(err)
	}
	t.Logf("make up took %s", time.Since(begun).Round(time.Second))
	for _, want := range []string{`dashboard +http://127\.0\.0\.1:9119/\?token=[A-Z0-9]+\.[a-z0-9]+\.[a-f0-9]{32}\n`, `API +http://127\.0\.0\.1:8642/v1\n`, `key +API_SERVER_KEY in /home/me/\.hermes/\.env\n`} {
		if !regexp.MustCompile(want).MatchString(r.Stdout) {
			t.Errorf("it does not print %s:\n%s", want, r.Stdout)
		}
	}
	line := regexp.MustCompile(`(?m)^ *(curl .*)$`).FindStringSubmatch(r.Stdout)
	if line == nil {
		t.Fatalf("it prints no curl line:\n%s", r.Stdout)
	}
	if r := b.exec("me", "sh", "-c", line[1]); r.Code != 0 || !strings.Contains(r.Stdout, "hello") || !strings.Contains(r.Stdout, "choices") {
		t.Errorf("%s", r)
	}
	if r := b.exec("me", "curl", "-sf", "http://127.0.0.1:9119/health"); r.Code != 0 {
		t.Errorf("the dashboard: %s", r)
	}
	link := regexp.MustCompile(`http://127\.0\.0\.1:9119/\?token=\S+`).FindString(r.Stdout)
	if r := b.exec("me", "curl", "-sfL", "-c", "/tmp/jar", "-b", "/tmp/jar", link); r.Code != 0 || !strings.Contains(r.Stdout, "default") {
		t.Errorf("the link does not log in: %s", r)
	}

	// Run the other commands that it prints.
	in := func(command string) docker.Result {
		return b.exec("me", "sh", "-c", "cd /home/me/hermes && HOME=/home/me "+command)
	}
	for _, command := range []string{"bin/hermes gateway list", "bin/hermes profile create coder --start", "make up", "bin/hermes gateway list | grep '^coder *running'", "make down"} {
		if err := in(command).Failed(); err != nil {
			t.Error(err)
		}
	}
	if r := in("bin/hermes status"); strings.Contains(r.Stdout, "hermes up") {
		t.Errorf("after make down: %s", r)
	}
}
