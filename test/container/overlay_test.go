package container_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hermes/test/container/docker"
)

// overlayBase does what s6-overlay v3 documents for images that are built on it, with Debian's s6. PID 1 is an s6-svscan on
// /run/service, which belongs to root. The services of the bundle user, and those on which they depend, start at boot: oneshots one
// after the other, and longruns as service directories. Programs and with-contenv are in /command. The command runs when everything
// is up, with PATH and nothing else of the container's environment. SIGTERM brings everything down. The bundle user is in
// user-bundles.d, as in 3.2.3.2; one in s6-rc.d replaces it. If the container is started as another user, everything,
// /run/s6/basedir too, belongs to that user; the image has already made the directories in /run that a helper of s6-overlay then
// makes as root. There is no useradd, as on Alpine. The test needs this because neither s6-overlay nor s6-rc is a Debian package.
const overlayBase = `FROM debian:trixie-slim
LABEL ` + docker.Label + `
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends execline s6 && \
    rm -rf /var/lib/apt/lists/* /usr/sbin/useradd /usr/sbin/groupadd /usr/bin/getent && \
    mkdir /command && ln -s /usr/bin/s6-* /usr/bin/execlineb /command/
COPY init with-contenv up /command/
COPY witness /etc/s6-overlay/s6-rc.d/witness
RUN mkdir -p /etc/s6-overlay/user-bundles.d/user/contents.d /etc/s6-overlay/s6-rc.d/base/contents.d && cd /etc/s6-overlay && \
    echo bundle > user-bundles.d/user/type && touch user-bundles.d/user/contents.d/witness && echo bundle > s6-rc.d/base/type && \
    chmod 0755 /command/init /command/with-contenv /command/up s6-rc.d/witness/run && \
    mkdir -m 1777 /run/s6 /run/service
ENTRYPOINT ["/command/init"]
CMD ["sleep", "infinity"]
`

var overlayFiles = map[string]string{
	"Dockerfile": overlayBase,
	"init": `#!/bin/bash -e
rm -rf /run/s6/* /run/service/* /run/service/.s6-svscan
mkdir -p /run/s6/basedir /run/s6/container_environment /run/s6/done /run/service/.s6-svscan
[ "$UID" != 0 ] || chmod 755 /run/s6 /run/service
while IFS= read -r -d '' kv; do printf %s "${kv#*=}" > "/run/s6/container_environment/${kv%%=*}"; done < <(env -0)
rm /run/s6/container_environment/PATH
printf '#!/bin/sh\nexec s6-svscanctl -t /run/service\n' > /run/service/.s6-svscan/SIGTERM
chmod 755 /run/service/.s6-svscan/SIGTERM
env -i PATH=/command:/usr/bin:/bin /command/up "$@" &
exec env -i PATH=/command:/usr/bin:/bin s6-svscan /run/service
`,
	"up": `#!/bin/bash
rc=/etc/s6-overlay/s6-rc.d
bring() {
	[ ! -e "/run/s6/done/$1" ] || return 0
	touch "/run/s6/done/$1"
	local each
	for each in "$rc/$1"/dependencies.d/* "$rc/$1"/contents.d/*; do
		[ ! -e "$each" ] || bring "$(basename "$each")" || return 1
	done
	case $(cat "$rc/$1/type") in
	bundle) ;;
	oneshot) env -i PATH=/command:/usr/bin:/bin execlineb -P -c "$(cat "$rc/$1/up")" ;;
	longrun)
		cp -r "$rc/$1" "/run/service/.$1" && rm -rf "/run/service/.$1/type" "/run/service/.$1/dependencies.d"
		mv "/run/service/.$1" "/run/service/$1" && s6-svscanctl -a /run/service
		until s6-svstat "/run/service/$1" >/dev/null 2>&1; do sleep 0.05; done
		if [ -e "$rc/$1/notification-fd" ]; then s6-svwait -U -t 20000 "/run/service/$1"; else s6-svwait -u -t 20000 "/run/service/$1"; fi ;;
	*) return 1 ;;
	esac
}
until s6-svscanctl -a /run/service 2>/dev/null; do sleep 0.05; done
bundles=/etc/s6-overlay/user-bundles.d
if [ -d "$rc/user" ]; then
	echo "defining user bundles in $rc is deprecated" >&2
	bundles=$rc
fi
for name in "$bundles"/user/contents.d/*; do
	bring "$(basename "$name")" || { echo "cannot bring up $name" >&2; s6-svscanctl -t /run/service; exit 1; }
done
cd / && cd "$OLDPWD"
"$@"
s6-svscanctl -t /run/service
`,
	"with-contenv": `#!/usr/bin/execlineb -S0
/usr/lib/execline/bin/emptyenv -p
s6-envdir -L -f -- /run/s6/container_environment
$@
`,
	"witness/type": "longrun\n",
	"witness/run":  "#!/bin/sh\nexec sleep 86400\n",
}

// overlayBaseImage builds the base image once, for all runs.
func overlayBaseImage(t *testing.T) string {
	t.Helper()
	sum := sha256.New()
	dir := t.TempDir()
	for _, name := range slices.Sorted(maps.Keys(overlayFiles)) {
		fmt.Fprintf(sum, "%s %s", name, overlayFiles[name])
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(overlayFiles[name]), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	base := fmt.Sprintf("hermes-test-overlay:%x", sum.Sum(nil))[:40]
	overlayBuild.Lock()
	defer overlayBuild.Unlock()
	if do(t, "image", "inspect", "--format", "{{.Id}}", base).Code != 0 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // packages are downloaded
		defer cancel()
		if r := docker.Do(ctx, nil, "build", "--network", "host", "-t", base, dir); r.Code != 0 {
			t.Fatal(r)
		}
	}
	return base
}

var overlayBuild sync.Mutex

// addHermes runs the command with which docs/docker.md adds hermes to an image, in the directory that the document names. It returns
// the name of the new image.
func addHermes(t *testing.T, base string) (string, docker.Result) {
	t.Helper()
	const top = "../.."
	manual, err := os.ReadFile(filepath.Join(top, "docs", "docker.md"))
	if err != nil {
		t.Fatal(err)
	}
	var command []string
	for line := range strings.Lines(string(manual)) {
		if strings.HasPrefix(line, "docker build -f image/s6-overlay/Dockerfile ") {
			command = strings.Fields(line)
		}
	}
	tag, known := uniqueName(t), 0
	for i, arg := range command {
		if to, ok := map[string]string{"BASE=your-image": "BASE=" + base, "HERMES=hermes:dev": "HERMES=" + image, "your-image:hermes": tag}[arg]; ok {
			command[i], known = to, known+1
		}
	}
	if known != 3 {
		t.Fatalf("docs/docker.md documents %q", command)
	}
	ctx, cancel := context.WithTimeout(t.Context(), commandTimeout)
	defer cancel()
	r := docker.DoIn(ctx, top, nil, append([]string{"build", "--network", "none", "--label", docker.Label}, command[2:]...)...)
	if r.Code == 0 {
		t.Cleanup(func() { cleanUp(t, "image", "rm", "-f", tag) })
	}
	return tag, r
}

// overlayImage is addHermes for a base for which it must succeed.
func overlayImage(t *testing.T, base string) string {
	t.Helper()
	tag, r := addHermes(t, base)
	if err := r.Failed(); err != nil {
		t.Fatal(err)
	}
	return tag
}

func TestServiceOfAnS6OverlayImage(t *testing.T) {
	parallel(t)
	img := overlayImage(t, overlayBaseImage(t))
	b := start(t, options{image: img, env: []string{"HERMES_GATEWAY_BOOTSTRAP_STATE=running", "HERMES_UID=1234", "HERMES_GID=1235"}})
	first := b.serves("", "default", never)
	find := func(match string) process {
		found := only(b.ps(), func(p process) bool { return strings.Contains(strings.Join(p.Cmdline, " "), match) })
		if len(found) != 1 {
			t.Fatalf("%s: %v", match, found)
		}
		return found[0]
	}
	witness := find("sleep 86400")
	for _, p := range b.ps() {
		if p.Comm == "hermes" && (p.UID != 1234 || p.GID != 1235) {
			t.Errorf("%v runs as %d:%d", p, p.UID, p.GID)
		}
	}
	b.mustExec("", "hermes", "profile", "create", "coder", "--start")
	b.mustExec("", "hermes", "profile", "create", "idle", "--start")
	b.mustExec("", "hermes", "-p", "idle", "gateway", "stop")
	coder := b.serves("", "coder", never)
	b.mustExec("", "hermes", "healthcheck")
	b.mustExec("", "hermes", "doctor")
	if out := b.mustExec("0", "find", "/opt/data", "!", "-user", "1234"); out != "" {
		t.Errorf("not the runtime user's:\n%s", out)
	}

	// A killed gateway comes back, and so does the killed tree of all gateways. The other services of the image are not affected.
	b.kill(first)
	second := b.serves("", "default", first)
	b.kill(find("s6-svscan -d 3").life())
	b.serves("", "default", second)
	b.serves("", "coder", coder)
	if now := find("sleep 86400"); now.life() != witness.life() {
		t.Errorf("another service of the image was restarted: %v, before %v", now, witness)
	}

	must(t, "restart", "-t", "40", b.name)
	b.serves("", "default", never)
	b.serves("", "coder", never)
	if v, err := b.look("", "idle"); err != nil || v.PID != 0 {
		t.Errorf("after docker restart the idle profile: %+v, %v", v, err)
	}
	b.stop()
	if s := b.gatewayState()["gateway_state"]; s != "running" {
		t.Errorf("gateway_state is %v after docker stop, want running", s)
	}
}

// TestCommandOfAnS6OverlayImage: the command gets PATH and no other variable. `gateway run` hands over to the supervisor all the
// same, and the gateway has the container's variables.
func TestCommandOfAnS6OverlayImage(t *testing.T) {
	parallel(t)
	img := overlayImage(t, overlayBaseImage(t))
	b := start(t, options{image: img}, "hermes", "gateway", "run")
	b.serves("", "default", never)
	eventually(t, soon, "it is redirected", b.isRedirected)
	if log := b.allLogs(); len(breadcrumbs(log)) != 1 {
		t.Errorf("want one breadcrumb:\n%s", log)
	}
	if beats := only(b.ps(), process.isHeartbeat); len(beats) != 1 || beats[0].UID != runtimeUID {
		t.Errorf("heartbeats: %v", beats)
	}
	// The environment as su - and cron leave it.
	bare := []string{"env", "-i", "PATH=/usr/bin:/bin", "hermes", "gateway", "status", "--format", "json"}
	for _, user := range []string{"0", strconv.Itoa(runtimeUID)} {
		if v := decode[lookedAt](t, b.mustExec(user, bare...)); !v.Ready {
			t.Errorf("as uid %s without variables: %+v", user, v)
		}
	}

	r := run(t, options{image: img, env: []string{"HERMES_HOME=/opt/data/there"}}, "sh", "-c", "env; hermes profile show default --format json")
	if strings.Contains(r.Stdout, "HERMES_HOME=") {
		t.Fatalf("the command has more than s6-overlay gives: %s", r)
	}
	if r.Code != 0 || !strings.Contains(r.Stdout, "/opt/data/there") {
		t.Errorf("the command does not know its home: %s", r)
	}
}

// TestS6OverlayImageWithABundleInTheOldPlace: if s6-rc.d has a bundle user, that one counts, even if there is one in user-bundles.d.
func TestS6OverlayImageWithABundleInTheOldPlace(t *testing.T) {
	parallel(t)
	base := uniqueName(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM "+overlayBaseImage(t)+"\nLABEL "+docker.Label+"\n"+
		"RUN cd /etc/s6-overlay && cp -r user-bundles.d/user s6-rc.d/user\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	must(t, "build", "--network", "none", "-t", base, dir)
	t.Cleanup(func() { cleanUp(t, "image", "rm", "-f", base) })
	b := start(t, options{image: overlayImage(t, base), env: []string{"HERMES_GATEWAY_BOOTSTRAP_STATE=running"}})
	b.serves("", "default", never)
	if log := b.allLogs(); !strings.Contains(log, "deprecated") {
		t.Errorf("the old place did not count:\n%s", log)
	}
}

// TestS6OverlayImageAsAnotherUser: with --user everything belongs to that user, on a new volume too, and root in docker exec becomes
// that user.
func TestS6OverlayImageAsAnotherUser(t *testing.T) {
	t.Parallel()
	const user = "1234:1235"
	for name, flags := range map[string][]string{
		"writable": nil, "read-only": {"--read-only", "-e", "S6_READ_ONLY_ROOT=1", "--tmpfs", "/run:exec,uid=1234", "--tmpfs", "/tmp"},
	} {
		t.Run(name, func(t *testing.T) {
			parallel(t)
			b := start(t, options{image: overlayImage(t, overlayBaseImage(t)), vol: volume(t), flags: append(flags, "--user", user)},
				"hermes", "gateway", "run")
			first := b.serves("", "default", never)
			b.mustExec("0", "hermes", "profile", "create", "coder", "--start")
			coder := b.serves("0", "coder", never)
			b.mustExec("0", "hermes", "doctor")
			b.mustExec("", "hermes", "healthcheck")
			for _, p := range b.ps() {
				if p.UID != 1234 || p.GID != 1235 {
					t.Errorf("%v runs as %d:%d", p, p.UID, p.GID)
				}
			}
			if out := b.mustExec("0", "find", "/opt/data", "-mindepth", "1", "(", "!", "-user", "1234", "-o", "!", "-group", "1235", ")"); out != "" {
				t.Errorf("not the user's:\n%s", out)
			}
			if r := b.exec("10000", "hermes", "gateway", "stop"); r.Code != 1 || len(linesWith(r.Stderr, "1234:1235", "uid 10000")) != 1 {
				t.Errorf("a third user: %s", r)
			}
			// Root does not use variables from a directory that another user can write.
			b.mustExec("", "sh", "-c", "echo 1 > /run/s6/container_environment/HERMES_ALLOW_ROOT_GATEWAY")
			if r := b.exec("0", "env", "-i", "PATH=/usr/bin:/bin", "hermes", "gateway", "status"); r.Code != 1 || len(linesWith(r.Stderr, "HERMES_HOME")) != 1 {
				t.Errorf("root without variables: %s", r)
			}
			must(t, "restart", "-t", "40", b.name)
			b.serves("", "default", first)
			b.serves("0", "coder", coder)
		})
	}
}

// TestUserThatCannotWriteTheScanDirectoryIsToldWhatToDo: the scan directory may be missing in the image.
func TestUserThatCannotWriteTheScanDirectoryIsToldWhatToDo(t *testing.T) {
	parallel(t)
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, mount := range []string{dir + ":/run/hermes-gateways", dir + ":/run"} {
		r := run(t, options{flags: []string{"--user", "1234:1235", "--entrypoint", "hermes", "-v", mount}, env: []string{"HERMES_S6_SCANDIR=/run/hermes-gateways"}},
			"boot", "setup")
		if r.Code != 1 || len(linesWith(r.Stderr, "cannot prepare /run/hermes", "as 1234:1235", "--tmpfs /run:exec,uid=1234")) != 1 {
			t.Errorf("%s: %s", mount, r)
		}
	}
}

func TestImageWithoutS6OverlayIsNotTaken(t *testing.T) {
	parallel(t)
	if _, r := addHermes(t, image); r.Code == 0 || !strings.Contains(r.Stdout+r.Stderr, "the image named by BASE has no s6-overlay v3") {
		t.Errorf("%s", r)
	}
}
