package container_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// nginxConf is the configuration of a separate nginx. It writes only into its directory, and listens on a socket there.
const nginxConf = `
daemon off;
pid %[1]s/pid;
error_log stderr;
worker_processes 1;
events { worker_connections 64; }
http {
	access_log off;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
	server {
		listen unix:%[1]s/socket;
		%[2]s
	}
}
`

// nginx starts a real nginx that answers on a listener on loopback. server is the content of its server block.
func nginx(t *testing.T, l net.Listener, server string) {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		t.Fatal("nginx is missing: script/need nginx installs it")
	}
	dir, err := os.MkdirTemp("", "nginx") // the path must be short, because it is a socket's path too
	if err != nil {
		t.Fatal(err)
	}
	conf := fmt.Sprintf(nginxConf, dir, server)
	if os.Getuid() == 0 {
		conf = "user root;\n" + conf
	}
	if err := os.WriteFile(filepath.Join(dir, "conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	cmd := exec.Command(program, "-e", "stderr", "-p", dir, "-c", filepath.Join(dir, "conf"))
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	t.Cleanup(func() {
		stop()
		l.Close()
		_ = cmd.Process.Signal(os.Interrupt) // nginx may have ended
		_ = cmd.Wait()
		wg.Wait()
		os.RemoveAll(dir)
		if t.Failed() {
			t.Logf("nginx said:\n%s", said.String())
		}
	})
	socket := filepath.Join(dir, "socket")
	eventually(t, soon, "nginx listens", func() error {
		conn, err := new(net.Dialer).DialContext(t.Context(), "unix", socket)
		if err == nil {
			conn.Close()
		}
		return err
	})
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { join(ctx, conn, socket) })
		}
	})
}

// join connects a connection with a socket until one of them or ctx ends.
func join(ctx context.Context, conn net.Conn, socket string) {
	defer conn.Close()
	to, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return
	}
	defer to.Close()
	ended := make(chan struct{}, 2)
	for a, b := range map[net.Conn]net.Conn{conn: to, to: conn} {
		go func() { _, _ = io.Copy(a, b); ended <- struct{}{} }()
	}
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

// TestBrowserBelowAPathOfAReverseProxy: a real nginx shows the dashboard below a path. nginx removes the path or keeps it, and nginx
// or HERMES_DASHBOARD_PUBLIC_URL tells the dashboard the path; nothing else is set. The test fails if a link leads out of the path.
func TestBrowserBelowAPathOfAReverseProxy(t *testing.T) {
	t.Parallel()
	const said = "proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For 192.0.2.7; proxy_set_header X-Forwarded-Prefix /team/hermes;"
	for name, c := range map[string]struct{ location, upstream, headers, public string }{
		"taken off and named": {"/team/hermes/", "/", said, ""},
		"left on and named":   {"/team/hermes", "", said, ""},
		"public address only": {"/team/hermes/", "/", "", "/team/hermes"},
	} {
		t.Run(name, func(t *testing.T) {
			parallel(t)
			l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			origin := "http://" + l.Addr().String()
			env := append([]string{"HERMES_DASHBOARD_TRUSTED_PROXIES=127.0.0.1"}, browserEnv...)
			if c.public != "" {
				env = append(browserEnv[:len(browserEnv):len(browserEnv)], "HERMES_DASHBOARD_PUBLIC_URL="+origin+c.public)
			}
			b := startGateway(t, options{env: env})
			b.waitReady(dashboardSlot)
			b.mustExec("0", "hermes", "profile", "create", "coder", "--start")
			nginx(t, l, fmt.Sprintf("location %s { proxy_pass http://%s%s; %s }", c.location, b.door("127.0.0.1:9119"), c.upstream, c.headers))
			v := b.browseAt(origin + "/team/hermes")
			comeIn(v)
			if c.location == "/team/hermes/" && c.public == "" {
				lookAround(t, b, v)
			}
			v.expect("[object Event]") // a stream ends when its session ends
			v.click(".who form button")
			v.says(".login", "Log in")
			v.is("it is the login page", `location.pathname === "/team/hermes/login"`)
			v.open("/")
			v.says(".login", "Log in")
		})
	}
}

// comeIn logs in below a path. It comes from the page that it asked for to the page of a profile.
func comeIn(v *tab) {
	v.t.Helper()
	v.open("/activity?only=actions")
	v.fill("[name=username]", "ada")
	v.fill("[name=password]", "lovelace")
	v.click("form button")
	v.says("h1", "Activity")
	v.is("it is the page that was asked for", `location.pathname === "/team/hermes/activity" && location.search === "?only=actions"`)
	v.click("a.brand")
	v.says("h1", "Gateways")
	v.is("the page is live", `document.querySelector("#live")?.dataset.state === "on"`)
	v.click(`[aria-label="Stop coder"]`)
	v.says("#result", "gateway 'coder' is down")
	v.says("#g-coder .state", "stopped")
	v.fill("[name=q]", "cod")
	v.is("the search is in the address", `location.pathname === "/team/hermes/" && location.search.includes("q=cod")`)
	v.click(`#g-coder th a`) // in a row that a stream sent
	v.says("h1", "coder")
	v.is("the page is live", `document.querySelector("#live")?.dataset.state === "on"`)
	v.click(`[aria-label="Start coder"]`)
	v.says("#result", "gateway 'coder' is ready")
}

// lookAround does the other things that a visitor does.
func lookAround(t *testing.T, b *box, v *tab) {
	v.open("/profiles/coder/log")
	v.is("the page is live", `document.querySelector("#live")?.dataset.state === "on"`)
	count := `(document.querySelector("#lines").textContent.match(/msg=starting/g) ?? []).length`
	v.is("two starts", count+" === 2")
	b.mustExec("0", "hermes", "-p", "coder", "gateway", "restart")
	v.is("the lines of another start came", count+" === 3")

	v.open("/profiles/coder/chat")
	v.fill("#chat-text", "how are you?")
	v.click("form[data-chat] button")
	v.is("it is answered", `document.querySelector("#messages .m-assistant")?.textContent.includes("how are you?")`)
	v.open("/profiles/coder/sessions")
	v.click(".sessions a")
	v.says(".messages", "how are you?")
	v.click("main details summary")
	v.click("main details button.danger")
	v.says("h1", "coder")
	v.is("it is the list of sessions, without that one", `location.pathname === "/team/hermes/profiles/coder/sessions" && !document.querySelector(".sessions a")`)
	v.click(`a[href$="/prune"]`)
	v.says("#prune-title", "Remove old sessions")
	v.fill("[name=older_than]", "90d")
	v.click("main form[method=get] button")
	v.says("#would", "0 whole sessions")

	v.open("/profiles/coder/settings")
	v.fill("#config-text", "model:\n  provider: echo\n")
	v.click(`form[action$="/config"] button`)
	v.says("#result .good", "config.yaml is saved")

	v.click("a.brand")
	v.says("h1", "Gateways")
	v.click(`a[href$="/new"]`)
	v.says("h1", "New profile")
	v.fill("[name=name]", "writer")
	v.click("main form button.primary")
	v.says("h1", "writer")
	v.expect("[object Event]") // the stream of a deleted profile ends
	v.expect("404")
	v.fill(`form[action$="/delete"] [name=confirm]`, "writer")
	v.click(`form[action$="/delete"] button`)
	v.says("h1", "Gateways")
	v.is("it is the dashboard's first page", `location.pathname === "/team/hermes/"`)

	var key string
	if _, key, _ = strings.Cut(b.mustExec("0", "grep", "API_SERVER_KEY", "/opt/data/profiles/coder/.env"), "="); key == "" {
		t.Fatal("there is no key")
	}
	var status int
	v.eval(fmt.Sprintf(`fetch("/team/hermes/p/coder/v1/models", {headers: {Authorization: "Bearer %s"}}).then(r => r.status)`, strings.TrimSpace(key)), &status)
	if status != 200 {
		t.Errorf("the front door: %d", status)
	}
}
