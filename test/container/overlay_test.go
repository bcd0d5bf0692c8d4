package container_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hermes/test/container/docker"
)

// overlayBase has what s6-overlay v3 documents for the images that build on it, made of Debian's s6: PID 1 is an s6-svscan on
// /run/service, which is root's; the services of the bundle user and what they depend on come up at boot, oneshots one after
// another and longruns as service directories; programs and with-contenv are in /command; the command runs as root when all is
// up; SIGTERM brings everything down. Neither s6-overlay nor s6-rc is a Debian package.
const overlayBase = `FROM debian:trixie-slim
LABEL ` + docker.Label + `
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends execline s6 && \
    rm -rf /var/lib/apt/lists/* && mkdir /command && ln -s /usr/bin/s6-* /usr/bin/execlineb /command/
COPY init with-contenv up /command/
COPY witness /etc/s6-overlay/s6-rc.d/witness
RUN mkdir -p /etc/s6-overlay/user-bundles.d/user/contents.d /etc/s6-overlay/s6-rc.d/base/contents.d && cd /etc/s6-overlay && \
    echo bundle > user-bundles.d/user/type && touch user-bundles.d/user/contents.d/witness && echo bundle > s6-rc.d/base/type && \
    chmod 0755 /command/init /command/with-contenv /command/up s6-rc.d/witness/run
ENTRYPOINT ["/command/init"]
CMD ["sleep", "infinity"]
`

var overlayFiles = map[string]string{
	"Dockerfile": overlayBase,
	"init": `#!/bin/bash -e
rm -rf /run/s6/* /run/service && mkdir -p /run/s6/container_environment /run/s6/done /run/service/.s6-svscan
while IFS= read -r -d '' kv; do printf %s "${kv#*=}" > "/run/s6/container_environment/${kv%%=*}"; done < <(env -0)
printf '#!/bin/sh\nexec s6-svscanctl -t /run/service\n' > /run/service/.s6-svscan/SIGTERM
chmod 755 /run/service/.s6-svscan/SIGTERM
/command/up "$@" &
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
for name in /etc/s6-overlay/user-bundles.d/user/contents.d/*; do
	bring "$(basename "$name")" || { echo "cannot bring up $name" >&2; s6-svscanctl -t /run/service; exit 1; }
done
exec "$@"
`,
	"with-contenv": `#!/usr/bin/execlineb -S0
s6-envdir -I -f -L -- /run/s6/container_environment
$@
`,
	"witness/type": "longrun\n",
	"witness/run":  "#!/bin/sh\nexec sleep 86400\n",
}

// overlayImage builds image/s6-overlay/Dockerfile on such a base.
func overlayImage(t *testing.T) string {
	t.Helper()
	sum := sha256.New()
	dir := t.TempDir()
	for _, name := range []string{"Dockerfile", "init", "up", "with-contenv", "witness/type", "witness/run"} {
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
	if do(t, "image", "inspect", "--format", "{{.Id}}", base).Code != 0 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // packages are fetched
		defer cancel()
		if r := docker.Do(ctx, nil, "build", "--network", "host", "-t", base, dir); r.Code != 0 {
			t.Fatal(r)
		}
	}
	tag := uniqueName(t)
	files := t.TempDir()
	cp := exec.CommandContext(t.Context(), "cp", "-r", "--parents", "image/s6-overlay", files)
	cp.Dir = filepath.Join("..", "..")
	if out, err := cp.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	must(t, "build", "--network", "none", "-f", filepath.Join(files, "image/s6-overlay/Dockerfile"), "--build-arg", "BASE="+base,
		"--build-arg", "HERMES="+image, "--label", docker.Label, "-t", tag, files)
	t.Cleanup(func() { cleanUp(t, "image", "rm", "-f", tag) })
	return tag
}

func TestServiceOfAnS6OverlayImage(t *testing.T) {
	parallel(t)
	img := overlayImage(t)
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

	// A gateway that is killed comes back, and so does the tree of all gateways; the image's other services are left alone.
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

	// `gateway run` as the command hands over, too.
	c := start(t, options{image: img}, "hermes", "gateway", "run")
	c.serves("", "default", never)
	if log := c.allLogs(); len(breadcrumbs(log)) != 1 {
		t.Errorf("want one breadcrumb:\n%s", log)
	}
	if beats := only(c.ps(), process.isHeartbeat); len(beats) != 1 || beats[0].UID != runtimeUID {
		t.Errorf("heartbeats: %v", beats)
	}
}
