package container_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"hermes/test/container/docker"
)

var browserEnv = append([]string{"HERMES_DASHBOARD_BASIC_AUTH_SECRET=0123456789abcdef"}, dashboardEnv...)

// startDashboard starts a container with a dashboard, the default gateway and some profiles.
func startDashboard(t *testing.T, names ...string) *box {
	t.Helper()
	b := startGateway(t, options{env: browserEnv})
	b.waitReady(dashboardSlot)
	for _, n := range names {
		b.mustExec("0", "hermes", "profile", "create", n, "--start")
	}
	return b
}

func TestBrowserLogsInAndOut(t *testing.T) {
	parallel(t)
	v := startDashboard(t).browse()
	v.expect("401") // the browser reports a wrong password as 401
	v.open("/activity?only=states")
	v.says("h1", "hermes")
	v.fill("[name=username]", "ada")
	v.fill("[name=password]", "wrong")
	v.click("form button")
	v.says("[role=alert]", "Wrong user name or password")
	v.accessible("login")
	v.fill("[name=password]", "lovelace")
	v.click("form button")
	v.says("h1", "Activity")
	v.is("it is the page that was asked for", `location.search === "?only=states"`)
	v.click(".who form button")
	v.says(".login", "Log in")
	v.open("/")
	v.says(".login", "Log in")
}

// TestBrowserSeesAKilledGatewayHeal: the page shows the death and the recovery as they happen, without being loaded again.
func TestBrowserSeesAKilledGatewayHeal(t *testing.T) {
	parallel(t)
	b := startDashboard(t, "coder")
	v := b.browse()
	v.login()
	v.says("#g-coder .state", "running")
	v.eval(`window.marker = 1; window.seen = []; new MutationObserver(() => {
		const row = document.querySelector("#g-coder");
		window.seen.push([performance.now(), row.querySelector(".state").textContent, row.querySelector("[data-label=Restarts]").textContent.trim()].join(" "));
	}).observe(document.querySelector("#rows"), {subtree: true, childList: true, characterData: true, attributes: true}); 0`, nil)
	old := b.waitReady("gateway-coder")
	began := time.Now()
	b.kill(old)
	v.is("the page says that it died and runs again", `window.seen.some(s => s.endsWith(" 1")) && document.querySelector("#g-coder .state").textContent === "running" &&
		document.querySelector("#g-coder [data-label=Restarts]").textContent.trim() === "1"`)
	t.Logf("seen to die and to heal within %s", time.Since(began).Round(time.Millisecond))
	v.is("the page was not loaded anew", "window.marker === 1")
	v.says("#g-coder .reason", "killed by SIGKILL")
	v.open("/profiles/coder")
	v.says("#timeline", "running")
	v.says("#timeline", "killed by SIGKILL")
	v.says("#state", "killed by SIGKILL, at 20")
}

func TestBrowserManagesAProfile(t *testing.T) {
	parallel(t)
	b := startDashboard(t)
	v := b.browse()
	v.login()
	v.click(`a[href="/new"]`)
	v.says("h1", "New profile")
	v.accessible("new profile")
	v.fill("[name=name]", "writer")
	v.click("main form button.primary")
	v.says("h1", "writer")
	v.says("#state .state", "running")
	b.waitReady("gateway-writer")

	v.click(`[aria-label="Stop writer"]`)
	v.says("#result", "gateway 'writer' is down")
	v.says("#state .state", "stopped")
	v.click(`[aria-label="Start writer"]`)
	v.says("#result", "gateway 'writer' is ready")
	v.says("#state .state", "running")
	v.click(`[aria-label="Restart writer"]`)
	v.says("#result", "is ready again")

	v.expect("[object Event]") // the stream of a deleted profile ends
	v.expect("404")
	v.fill(`form[action$="/rename"] [name=to]`, "default")
	v.click(`form[action$="/rename"] button`)
	v.says("#result .bad", "default")
	v.fill(`form[action$="/rename"] [name=to]`, "poet")
	v.click(`form[action$="/rename"] button`)
	v.says("h1", "poet")
	v.says("#state .state", "running")
	// When the old name disappears, the browser must stay on the page of the new name.
	throughout(t, 2*time.Second, "the page stays", func() error {
		if h := v.text("h1"); h != "poet" {
			return fmt.Errorf("it shows %q", h)
		}
		return nil
	})

	v.fill(`form[action$="/delete"] [name=confirm]`, "writer")
	v.click(`form[action$="/delete"] button`)
	v.says("#result .bad", "nothing is deleted")
	b.waitReady("gateway-poet")
	v.fill(`form[action$="/delete"] [name=confirm]`, "poet")
	v.click(`form[action$="/delete"] button`)
	v.says("h1", "Gateways")
	v.is("its row is gone", `!document.querySelector("#g-poet")`)
	if out := b.mustExec("0", "hermes", "profile", "list"); strings.Contains(out, "poet") {
		t.Errorf("it is still there:\n%s", out)
	}
	v.open("/activity?only=actions")
	for _, action := range []string{"create", "stop", "start", "restart", "rename", "delete"} {
		v.says("ol", "ada "+action)
	}
}

func TestBrowserClonesAProfileAndActsOnAll(t *testing.T) {
	parallel(t)
	b := startDashboard(t, "coder", "idle")
	b.mustExec("0", "hermes", "-p", "idle", "gateway", "stop")
	b.mustExec("10000", "sh", "-c", "echo 'I am a coder.' > /opt/data/profiles/coder/SOUL.md")
	v := b.browse()
	v.agree()
	v.login()
	v.open("/profiles/coder")
	v.click(`a[href="/new?from=coder"]`)
	v.is("the form is about the clone", `document.querySelector("[name=from]").value === "coder"`)
	v.fill("[name=name]", "twin")
	v.click("main form button.primary")
	v.says("h1", "twin")
	if soul := b.file("/opt/data/profiles/twin/SOUL.md"); soul != "I am a coder.\n" {
		t.Errorf("the clone is %q", soul)
	}
	v.open("/")
	old := b.waitReady("gateway-coder")
	v.click("details.menu summary")
	v.click(`[formaction="/all/restart"]`)
	v.says("#result", "3 restarted, 1 left alone because the operator stopped them")
	if now := b.waitReady("gateway-coder"); now == old {
		t.Error("it was not restarted")
	}
	v.click("details.menu summary")
	v.click(`[formaction="/all/stop"]`)
	v.says("#result", "4 stopped")
	v.is("all are down", `[...document.querySelectorAll("#rows .state")].every(s => s.textContent === "stopped")`)
	for _, n := range []string{"default", "coder", "twin", "idle"} {
		if s, err := b.svstat("gateway-" + n); err != nil || s.up {
			t.Errorf("%s: %+v, %v", n, s, err)
		}
	}
	v.open("/doctor")
	v.says("h1", "Doctor")
	v.open("/boot")
	v.says(".lines", "profile=default")
}

func TestBrowserFollowsALog(t *testing.T) {
	parallel(t)
	b := startDashboard(t, "coder")
	v := b.browse()
	v.login()
	v.open("/profiles/coder/log")
	v.says("#lines", "msg=ready")
	v.is("the page is live", `document.querySelector("#live")?.dataset.state === "on"`)
	count := `(document.querySelector("#lines").textContent.match(/msg=starting/g) ?? []).length`
	v.is("one start", count+" === 1")
	b.mustExec("0", "hermes", "-p", "coder", "gateway", "restart")
	v.is("the lines of another start came", count+" === 2")
	v.click("[data-pause]")
	b.mustExec("0", "hermes", "-p", "coder", "gateway", "restart")
	v.is("while it pauses nothing comes", count+" === 2")
	v.click("[data-pause]")
	v.is("what was missed is there", count+" === 3")
	v.fill("[name=q]", "msg=ready")
	v.is("a search leaves out the rest", count+` === 0 && document.querySelector("#lines").textContent.includes("msg=ready")`)
	v.fill("[name=q]", "")
	v.fill("[name=level]", "ERROR")
	v.is("a level leaves out the rest", `document.querySelector("#lines").textContent.trim() === ""`)
}

func TestBrowserEditsSettings(t *testing.T) {
	parallel(t)
	b := startDashboard(t, "coder")
	v := b.browse()
	v.login()
	v.open("/profiles/coder/settings")
	key := b.mustExec("0", "grep", "API_SERVER_KEY", "/opt/data/profiles/coder/.env")
	_, key, _ = strings.Cut(key, "=")
	v.says(".variables", "API_SERVER_KEY")
	v.is("the key is not on the page", fmt.Sprintf("!document.documentElement.outerHTML.includes(%q)", key))
	v.accessible("settings")
	v.fill("#config-text", "model:\n  provider: nobody\n")
	v.click(`form[action$="/config"] button`)
	v.says("#result .bad", "config.yaml:2: model.provider: unknown provider")
	if r := b.exec("0", "test", "-e", "/opt/data/profiles/coder/config.yaml"); r.Code == 0 {
		t.Error("a wrong configuration was written")
	}
	v.fill("#config-text", "model:\n  provider: echo\n")
	v.click(`form[action$="/config"] button`)
	v.says("#result .good", "config.yaml is saved")
	if got := b.file("/opt/data/profiles/coder/config.yaml"); strings.TrimSpace(got) != "model:\n  provider: echo" {
		t.Errorf("config.yaml is %q", got)
	}
	// The page is loaded anew after each save. What somebody has typed into another form stays, and can be saved.
	const tag = `document.querySelector("form[action$='/config'] [name=tag]").value`
	var before string
	v.eval(tag, &before)
	v.fill("#soul-text", "You are patient.\n")
	v.fill("#config-text", "model:\n  provider: echo\n  name: parrot\n")
	v.click(`form[action$="/config"] button`)
	v.is("the page shows what was saved", fmt.Sprintf(`%s !== %q && document.querySelector("#config-text").value.includes("parrot")`, tag, before))
	v.is("unsaved text stays", `document.querySelector("#soul-text").value === "You are patient.\n"`)
	v.click(`form[action$="/soul"] button`)
	v.says("#result .good", "SOUL.md is saved")
	if got := b.file("/opt/data/profiles/coder/SOUL.md"); got != "You are patient.\n" {
		t.Errorf("SOUL.md is %q", got)
	}
	v.fill("[name=variable]:not([type=hidden])", "OPENAI_API_KEY")
	v.fill("[name=value]", "sk-5ecret")
	v.click(`form[action$="/variable"] button`)
	v.says(".variables", "OPENAI_API_KEY")
	if got := b.file("/opt/data/profiles/coder/.env"); !strings.Contains(got, "OPENAI_API_KEY=sk-5ecret") {
		t.Error("the variable is not in .env")
	}
	if strings.Contains(b.allLogs()+b.file("/opt/data/logs/audit.log"), "5ecret") {
		t.Error("a secret is in a log")
	}
}

func TestBrowserChats(t *testing.T) {
	parallel(t)
	v := startDashboard(t, "coder").browse()
	v.login()
	v.open("/profiles/coder/chat")
	v.fill("#chat-text", "how are you?")
	v.click("form[data-chat] button")
	v.is("it is answered", `document.querySelector("#messages .m-assistant")?.textContent.includes("how are you?")`)
	v.accessible("chat")
	v.open("/profiles/coder/sessions")
	v.says(".sessions", "how are you?")
	v.says("#usage-title + svg + p", "1 asked, 1 answered")
	v.click(".sessions a")
	v.says(".messages", "how are you?")
	v.open("/")
	v.is("the overview knows of the message", `document.querySelector("#g-coder [data-label='Last message'] time")`)
}

func TestBrowserPagesFitEveryScreen(t *testing.T) {
	parallel(t)
	b := startDashboard(t, "coder", "home-assistant", "ops", "reviewer", "writer")
	b.mustExec("0", "hermes", "-p", "reviewer", "gateway", "stop")
	b.mustExec("10000", "sh", "-c", "mkdir -p '/opt/data/profiles/Bad Name' && touch '/opt/data/profiles/Bad Name/SOUL.md' && hermes profile create wrong && echo 'model: {provider: nobody}' > /opt/data/profiles/wrong/config.yaml")
	if r := b.hermes("-p", "wrong", "gateway", "start"); r.Code == 0 {
		t.Fatalf("a wrong configuration runs: %s", r)
	}
	b.kill(b.waitReady("gateway-ops"))
	for _, n := range []string{"default", "coder", "writer"} {
		if r := b.http("POST", dashboardURL+"/api/v1/profiles/"+n+"/chat", `{"session":"s","message":"good morning"}`, "-user", "ada:lovelace", "-H", "Content-Type: application/json"); r.Status != 200 {
			t.Errorf("%+v", r)
		}
	}
	v := b.browse()
	v.login()
	v.screen(1280, 640, "light")
	v.is("memory was sampled", `document.querySelector("#g-coder .spark")`)
	v.screenshot("readme")
	b.mustExec("0", "hermes", "profile", "create", "a-profile-with-a-rather-long-name-that-has-to-fit-somewhere-1234", "--start")
	pages := map[string]string{
		"overview": "/", "profile": "/profiles/coder", "wrong": "/profiles/wrong", "log": "/profiles/coder/log", "chat": "/profiles/coder/chat", "sessions": "/profiles/coder/sessions",
		"session": "/profiles/coder/session?id=s", "prune": "/profiles/coder/prune?keep_messages=1", "settings": "/profiles/coder/settings", "new": "/new", "activity": "/activity", "boot": "/boot", "doctor": "/doctor",
	}
	for name, path := range pages {
		v.open(path)
		for _, s := range []struct {
			width, height int64
			scheme        string
		}{{1280, 800, "light"}, {1280, 800, "dark"}, {1100, 800, "light"}, {800, 600, "light"}, {360, 740, "light"}, {360, 740, "dark"}} {
			v.screen(s.width, s.height, s.scheme)
			what := fmt.Sprintf("%s-%d-%s", name, s.width, s.scheme)
			var over int
			v.eval("document.documentElement.scrollWidth - innerWidth", &over)
			if over > 0 {
				t.Errorf("%s: %d pixels too wide", what, over)
			}
			v.accessible(what)
			if t.Failed() {
				v.screenshot(what)
			}
		}
	}
	v.open("/")
	v.screen(1280, 800, "light")
	before, after := "", ""
	v.eval("getComputedStyle(document.body).backgroundColor", &before)
	v.click("[data-theme-button]")
	v.eval("getComputedStyle(document.body).backgroundColor", &after)
	if before == after {
		t.Errorf("the button changes nothing: %s", after)
	}
	v.open("/activity")
	v.eval("getComputedStyle(document.body).backgroundColor", &before)
	if before != after {
		t.Error("the choice does not last")
	}
}

func TestBrowserKeyboardAloneIsEnough(t *testing.T) {
	parallel(t)
	b := startDashboard(t, "coder")
	v := b.browse()
	v.login()
	v.click("#main") // start from the beginning of the page
	v.eval(`document.activeElement.blur(); document.body.focus(); 0`, nil)
	reached := false
	for range 40 {
		v.key("\t")
		var label string
		v.eval(`document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? ""`, &label)
		if label == "Restart coder" {
			reached = true
			break
		}
	}
	if !reached {
		t.Fatal("the tab key does not lead to the button")
	}
	// When the row changes, the focus must stay where it is.
	b.kill(b.waitReady("gateway-coder"))
	v.is("the row changed", `document.querySelector("#g-coder [data-label=Restarts]").textContent.trim() === "1" && document.querySelector("#g-coder .state").textContent === "running"`)
	v.is("the focus stayed", `document.activeElement.getAttribute("aria-label") === "Restart coder"`)
	v.key("\r")
	v.says("#result", "is ready again")
}

func TestBrowserWithoutJavaScript(t *testing.T) {
	parallel(t)
	b := startDashboard(t, "coder")
	v := b.browse()
	v.scripts(false)
	v.open("/")
	v.typeInto("[name=username]", "ada")
	v.typeInto("[name=password]", "lovelace")
	v.click("form button")
	v.visible("#g-coder")
	v.click(`[aria-label="Stop coder"]`)
	v.visible(".result.good")
	if s, err := b.svstat("gateway-coder"); err != nil || s.up {
		t.Errorf("%+v, %v", s, err)
	}
	v.open("/profiles/coder")
	v.click(`[aria-label="Start coder"]`)
	v.visible(".result.good")
	b.waitReady("gateway-coder")
}

// TestBrowserOutlivesTheDashboard: a killed dashboard comes back, its sessions stay valid, and an open page goes on by itself.
func TestBrowserOutlivesTheDashboard(t *testing.T) {
	parallel(t)
	b := startDashboard(t, "coder")
	v := b.browse()
	v.login()
	v.expect("ERR_") // the stream ends, and new connections may be refused for a moment
	v.expect("[object Event]")
	v.eval("window.marker = 1; 0", nil)
	old := b.waitReady(dashboardSlot)
	began := time.Now()
	b.kill(old)
	b.waitReplaced(dashboardSlot, old)
	t.Logf("back after %s", time.Since(began).Round(time.Millisecond))
	v.is("the page is live again", `document.querySelector("#live").dataset.state === "on"`)
	b.mustExec("0", "hermes", "-p", "coder", "gateway", "stop")
	v.says("#g-coder .state", "stopped")
	v.is("it was not loaded anew", "window.marker === 1")
	v.open("/activity")
	v.says("h1", "Activity")
}

// TestBrowserOnADashboardThatCannotControl: a dashboard in another container can read the files, and cannot control the gateways.
func TestBrowserOnADashboardThatCannotControl(t *testing.T) {
	parallel(t)
	vol := volume(t)
	gateways := startGateway(t, options{vol: vol})
	gateways.waitReady(gatewaySlot)
	other := start(t, options{vol: vol, env: append([]string{"HERMES_DASHBOARD_HOST=127.0.0.1"}, browserEnv...), flags: []string{"--entrypoint", "hermes"}}, "dashboard")
	eventually(t, soon, "the dashboard serves", func() error {
		if r := other.http("GET", dashboardURL+"/ready", ""); r.Status != 200 {
			return fmt.Errorf("%+v", r)
		}
		return nil
	})
	v := other.browse()
	v.login()
	v.says(".notice", "Nothing can be started or stopped from here")
	v.says("#g-default .state", "running")
	v.is("the buttons are off", `[...document.querySelectorAll("#rows button")].every(b => b.disabled)`)
	if r := other.http("POST", dashboardURL+"/api/v1/profiles/default/stop", "", "-user", "ada:lovelace"); r.Status != 503 || !strings.Contains(r.body(), "no_control") {
		t.Errorf("%+v", r)
	}
	gateways.mustExec("0", "hermes", "gateway", "stop")
	v.says("#g-default .state", "stopped")
}

func TestAThousandStreamsGetEveryChange(t *testing.T) {
	parallel(t)
	b := startDashboard(t, "coder")
	const streams = 1000
	r := b.exec("0", docker.TestClientPath, "streams", fmt.Sprint(streams), "127.0.0.1:9119", "/api/v1/events", "ada:lovelace",
		`"profile":"coder","manager":"s6 (container supervisor)","state":"stopped"`, "hermes", "-p", "coder", "gateway", "stop")
	var got struct{ First, Second int }
	if err := json.Unmarshal([]byte(r.Stdout), &got); err != nil || got.First != streams || got.Second != streams {
		t.Fatalf("%+v, %v: %s", got, err, r)
	}
	pid := b.waitReady(dashboardSlot).pid
	memory := b.mustExec("10000", "awk", "/^Pss:/ {print $2}", fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	t.Logf("the dashboard has %s kB after %d streams", memory, streams)
	if kB, err := strconv.Atoi(memory); err != nil || kB > 120<<10 {
		t.Errorf("the dashboard has %s kB, %v", memory, err)
	}
}

// TestTheDashboardTellsNoSecret: no page, stream or answer of the dashboard contains a secret.
func TestTheDashboardTellsNoSecret(t *testing.T) {
	parallel(t)
	b := startDashboard(t, "coder")
	_, key, _ := strings.Cut(b.mustExec("0", "grep", "API_SERVER_KEY", "/opt/data/profiles/coder/.env"), "=")
	secrets := []string{key, "lovelace", "0123456789abcdef"}
	paths := []string{"/", "/login", "/health", "/ready", "/metrics", "/activity", "/boot", "/doctor", "/new", "/static/app.js", "/nothing", "/p/coder/v1/models",
		"/profiles/coder", "/profiles/coder/log", "/profiles/coder/chat", "/profiles/coder/sessions", "/profiles/coder/settings", "/profiles/nobody", "/profiles/..%2f..%2fetc",
		"/api/v1/profiles", "/api/v1/profiles/coder", "/api/v1/profiles/coder/log", "/api/v1/profiles/coder/config", "/api/v1/profiles/coder/soul",
		"/api/v1/profiles/coder/variables", "/api/v1/profiles/coder/sessions", "/api/v1/activity", "/api/v1/boot", "/api/v1/doctor", "/api/v1/version", "/api/v1/openapi.json", "/api/v1/x"}
	for _, path := range paths {
		for _, flags := range [][]string{nil, {"-user", "ada:wrong"}, {"-user", "ada:lovelace"}} {
			r := b.http("GET", dashboardURL+path, "", flags...)
			if r.Status == 0 || r.Status >= 500 && r.Status != 503 {
				t.Errorf("%s: %+v", path, r)
			}
			for _, secret := range secrets {
				if strings.Contains(r.body()+fmt.Sprint(r.Header), secret) {
					t.Errorf("%s with %q tells a secret", path, flags)
				}
			}
		}
	}
	for _, secret := range secrets {
		if strings.Contains(b.allLogs(), secret) {
			t.Error("a log tells a secret")
		}
	}
}
