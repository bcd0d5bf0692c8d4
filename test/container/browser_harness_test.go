package container_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"hermes/test/container/docker"
)

// artifacts is the directory for screenshots.
const artifacts = "../../.cache/artifacts"

// door makes a port of the container reachable from the host. The container has no network, so each connection goes through a docker
// exec.
func (b *box) door(inside string) string {
	b.t.Helper()
	l, err := new(net.ListenConfig).Listen(b.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	b.t.Cleanup(func() { stop(); l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				cmd := exec.CommandContext(ctx, "docker", "exec", "-i", b.name, docker.TestClientPath, "connect", inside)
				in, err := cmd.StdinPipe()
				if err != nil {
					return
				}
				cmd.Stdout = conn
				if cmd.Start() != nil {
					return
				}
				go func() { _, _ = io.Copy(in, conn); in.Close() }()
				_ = cmd.Wait() // the browser may have closed the connection
			})
		}
	})
	return l.Addr().String()
}

// tab is a browser tab that shows a container's dashboard.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string

	mu       sync.Mutex
	problems []string // messages on the console, and requests to other hosts
	allowed  []string // parts of problems that the test causes on purpose
}

// browse opens a tab with the dashboard of a container.
func (b *box) browse() *tab {
	b.t.Helper()
	return b.browseAt("http://" + b.door("127.0.0.1:9119"))
}

// chromium is the browser that all tests share, because starting one takes longer than most tests need it.
type chromium struct {
	dir  string // the directory for its files; removed at the end of the run
	once sync.Once
	ctx  context.Context
	end  func()
	err  error
}

// start starts the browser at the first call. It returns the context in which tabs are opened.
func (c *chromium) start() (context.Context, error) {
	c.once.Do(func() {
		var path, profile string
		if path, c.err = exec.LookPath("chromium"); c.err != nil {
			c.err = errors.New("chromium is missing: script/need browser installs it")
			return
		}
		if profile, c.err = os.MkdirTemp(c.dir, "browser"); c.err != nil {
			return
		}
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(profile),
			chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"), chromedp.Flag("force-prefers-reduced-motion", true), chromedp.WSURLReadTimeout(soon))
		ctx, closeAll := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, closeFirst := chromedp.NewContext(ctx)
		c.ctx, c.err = ctx, chromedp.Run(ctx)
		c.end = func() {
			closeFirst()
			closeAll()
			// The browser's helper processes may write for a moment after the browser has ended.
			_ = waitFor(soon, func() error { return os.RemoveAll(profile) })
		}
	})
	return c.ctx, c.err
}

func (c *chromium) stop() {
	if c.end != nil {
		c.end()
	}
}

// browseAt opens a tab, with its own cookies, for the dashboard of a container. base is the dashboard's address, without a slash at
// its end.
func (b *box) browseAt(base string) *tab {
	b.t.Helper()
	ctx, err := browser.start()
	if err != nil {
		b.t.Fatal(err)
	}
	v := &tab{t: b.t, base: base}
	all := cdp.WithExecutor(ctx, chromedp.FromContext(ctx).Browser)
	own, err := target.CreateBrowserContext().Do(all)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		if err := target.DisposeBrowserContext(own).Do(all); err != nil {
			b.t.Error(err)
		}
	})
	window, err := target.CreateTarget("about:blank").WithBrowserContextID(own).WithNewWindow(true).WithWidth(1280).WithHeight(800).Do(all)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	ctx, closeTab := chromedp.NewContext(ctx, chromedp.WithTargetID(window))
	v.ctx = ctx
	b.t.Cleanup(func() {
		if b.t.Failed() {
			v.screenshot("failed-" + strings.ReplaceAll(b.t.Name(), "/", "-"))
		}
		closeTab()
		cancel()
		v.mu.Lock()
		defer v.mu.Unlock()
		for _, p := range v.problems {
			b.t.Errorf("the browser reports: %s", p)
		}
	})
	chromedp.ListenTarget(ctx, v.hear)
	v.do(network.Enable(), log.Enable(), emulation.SetFocusEmulationEnabled(true), chromedp.EmulateViewport(1280, 800))
	return v
}

// hear collects events that should not happen on any page.
func (v *tab) hear(event any) {
	text := ""
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError || e.Entry.Level == log.LevelWarning {
			text = fmt.Sprintf("%s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		text = "exception: " + e.ExceptionDetails.Error()
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning {
			text = "console:"
			for _, a := range e.Args {
				text += " " + string(a.Value) + a.Description
			}
		}
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, "data:") && !strings.HasPrefix(e.Request.URL, v.base+"/") {
			text = "request elsewhere: " + e.Request.URL
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, a := range v.allowed {
		if strings.Contains(text, a) {
			return
		}
	}
	if text != "" {
		v.problems = append(v.problems, text)
	}
}

// expect says that the test causes a problem whose text contains part.
func (v *tab) expect(part string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.allowed = append(v.allowed, part)
}

func (v *tab) do(actions ...chromedp.Action) {
	v.t.Helper()
	err := chromedp.Run(v.ctx, chromedp.ActionFunc(func(ctx context.Context) error {
		ctx, stop := context.WithTimeout(ctx, soon)
		defer stop()
		return chromedp.Tasks(actions).Do(ctx)
	}))
	if err != nil {
		v.t.Fatalf("the browser cannot: %v; the page says:\n%s", err, v.text("body"))
	}
}

func (v *tab) open(path string) {
	v.t.Helper()
	v.do(chromedp.Navigate(v.base + path))
}

// is waits until a JavaScript expression is true on the page. While another page is loading, that cannot be found out, so it tries
// again.
func (v *tab) is(what, expression string) {
	v.t.Helper()
	err := waitFor(soon, func() error {
		var ok bool
		ctx, cancel := context.WithTimeout(v.ctx, 5*time.Second)
		defer cancel()
		if err := chromedp.Run(ctx, chromedp.Evaluate("Boolean("+expression+")", &ok)); err != nil {
			return err
		}
		if !ok {
			return errors.New("it is not")
		}
		return nil
	})
	if err != nil {
		v.t.Fatalf("%s: %v; the page says:\n%s", what, err, v.text("body"))
	}
}

// says waits until the text of an element contains a text.
func (v *tab) says(selector, text string) {
	v.t.Helper()
	v.is(fmt.Sprintf("%s says %q", selector, text), fmt.Sprintf("document.querySelector(%q)?.textContent.includes(%q)", selector, text))
}

func (v *tab) text(selector string) (s string) {
	_ = chromedp.Run(v.ctx, chromedp.Evaluate(fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector), &s))
	return s
}

func (v *tab) eval(expression string, to any) {
	v.t.Helper()
	v.do(chromedp.Evaluate(expression, to, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
}

// click clicks on an element. If the page replaced the element before the click, it looks for the element again.
func (v *tab) click(selector string) {
	v.t.Helper()
	err := waitFor(soon, func() error {
		ctx, cancel := context.WithTimeout(v.ctx, soon)
		defer cancel()
		err := chromedp.Run(ctx, chromedp.Click(selector, chromedp.ByQuery, chromedp.NodeVisible))
		if e := new(cdproto.Error); err != nil && !errors.As(err, &e) {
			v.t.Fatalf("the browser cannot click %s: %v; the page says:\n%s", selector, err, v.text("body"))
		}
		return err
	})
	if err != nil {
		v.t.Fatalf("the browser cannot click %s: %v; the page says:\n%s", selector, err, v.text("body"))
	}
}

// fill replaces the content of a field.
func (v *tab) fill(selector, text string) {
	v.t.Helper()
	var ok bool
	v.eval(fmt.Sprintf(`(() => { const f = document.querySelector(%q); if (!f) return false; f.focus(); f.value = %q;
		f.dispatchEvent(new Event("input", {bubbles: true})); f.dispatchEvent(new Event("change", {bubbles: true})); return true; })()`, selector, text), &ok)
	if !ok {
		v.t.Fatalf("there is no %s", selector)
	}
}

// agree accepts all dialogs that pages show from now on.
func (v *tab) agree() {
	v.t.Helper()
	chromedp.ListenTarget(v.ctx, func(event any) {
		if _, ok := event.(*page.EventJavascriptDialogOpening); ok {
			go func() { _ = chromedp.Run(v.ctx, page.HandleJavaScriptDialog(true)) }() // the browser may have ended
		}
	})
}

// key presses a key; the element with the focus gets it.
func (v *tab) key(key string) {
	v.t.Helper()
	v.do(chromedp.KeyEvent(key))
}

// scripts allows pages to run scripts, or forbids it.
func (v *tab) scripts(on bool) {
	v.t.Helper()
	v.do(emulation.SetScriptExecutionDisabled(!on))
}

// typeInto types a text key by key, which works without scripts too.
func (v *tab) typeInto(selector, text string) {
	v.t.Helper()
	v.do(chromedp.SendKeys(selector, text, chromedp.ByQuery))
}

// visible waits for an element, which works without scripts too.
func (v *tab) visible(selector string) {
	v.t.Helper()
	v.do(chromedp.WaitReady(selector, chromedp.ByQuery))
}

// login logs in on the login page.
func (v *tab) login() {
	v.t.Helper()
	v.open("/")
	v.fill("[name=username]", "ada")
	v.fill("[name=password]", "lovelace")
	v.click("form button")
	v.says("h1", "Gateways")
	v.is("the page is live", `document.querySelector("#live")?.dataset.state === "on"`)
}

// screen sets the size of the window and the color scheme, light or dark.
func (v *tab) screen(width, height int64, scheme string) {
	v.t.Helper()
	v.do(chromedp.EmulateViewport(width, height), emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}))
}

func (v *tab) screenshot(name string) {
	var data []byte
	err := chromedp.Run(v.ctx, chromedp.ActionFunc(func(ctx context.Context) (err error) {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		data, err = page.CaptureScreenshot().Do(ctx)
		return err
	}))
	if err == nil {
		err = os.MkdirAll(artifacts, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(artifacts, name+".png"), data, 0o644)
	}
	if err != nil {
		v.t.Logf("no screenshot %s: %v", name, err)
	}
}

var axeOnce = sync.OnceValues(func() ([]byte, error) { return os.ReadFile("../../.cache/axe.min.js") })

// accessible fails the test if axe-core finds a violation of WCAG 2.1 AA.
func (v *tab) accessible(what string) {
	v.t.Helper()
	axe, err := axeOnce()
	if err != nil {
		v.t.Fatalf("axe-core is missing: script/need axe fetches it: %v", err)
	}
	var kind, found string
	if v.eval("typeof axe", &kind); kind == "undefined" { // not in this page yet
		// Evaluate axe-core directly, because the page's policy forbids it as a script of the page.
		v.do(chromedp.Evaluate(string(bytes.TrimSpace(axe))+";0", nil))
	}
	v.eval(`axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}).then(r => JSON.stringify(
		r.violations.map(x => x.id + ": " + x.help + ": " + x.nodes.map(n => n.html.slice(0, 160) + " " + n.failureSummary).join(" | "))))`, &found)
	var list []string
	if err := json.Unmarshal([]byte(found), &list); err != nil {
		v.t.Fatal(err)
	}
	for _, f := range list {
		v.t.Errorf("%s: axe: %s", what, f)
	}
}
