package live

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"hermes/internal/fleet"
	"hermes/internal/profile"
	"hermes/internal/service"
)

func views(t *testing.T, n int) (all []fleet.View) {
	t.Helper()
	for i := range n {
		name, err := profile.ParseName(fmt.Sprintf("p%03d", i))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fleet.View{Profile: name, State: "running", Ready: true, PID: 100 + i, Uptime: 59, Restarts: 2, Port: 9200 + i, Memory: 4_200_000})
	}
	return all
}

// plain removes the control sequences from a screen.
func plain(s string) string {
	for {
		at := strings.Index(s, "\x1b[")
		if at < 0 {
			return s
		}
		s = s[:at] + s[at+strings.IndexByte(s[at:], 'm')+1:]
	}
}

func TestNoLineIsLongerThanTheScreen(t *testing.T) {
	now := time.Now()
	m := model{title: "hermes up  /home/somebody/with/a/long/name/.hermes", color: true}
	m.show(views(t, 200), now)
	m.rows[3].Reason, m.rows[3].Hint, m.rows[3].State = strings.Repeat("why \x1b[31m\n", 40), "do", "startup_failed"
	m.add([]string{strings.Repeat("x", 500), "a\ttab \x1b]0;title\x07"})
	m.say(true, strings.Repeat("trouble ", 50))
	for _, m.page = range []page{pageTable, pageLog, pageHelp} {
		for width := 1; width <= 200; width += 7 {
			for height := 1; height <= 60; height += 3 {
				lines := m.draw(width, height, now)
				if len(lines) > max(height, foot) {
					t.Fatalf("page %d at %dx%d has %d lines", m.page, width, height, len(lines))
				}
				for _, l := range lines {
					text := plain(l)
					if utf8.RuneCountInString(text) > width || strings.ContainsAny(text, "\x1b\n\r\t\x07") {
						t.Fatalf("page %d at %dx%d has the line %q", m.page, width, height, text)
					}
				}
			}
		}
	}
}

func TestTheChosenRowIsOnTheScreen(t *testing.T) {
	now := time.Now()
	m := model{}
	m.show(views(t, 200), now)
	shows := func(name string) bool {
		return slices.ContainsFunc(m.draw(80, 24, now), func(l string) bool { return strings.HasPrefix(plain(l), name) && strings.Contains(l, "\x1b[7m") })
	}
	for _, step := range []struct {
		by   int
		want string
	}{{0, "p000"}, {-1, "p000"}, {1, "p001"}, {50, "p051"}, {-3, "p048"}, {500, "p199"}, {-20, "p179"}, {-500, "p000"}} {
		if m.move(step.by); !shows(step.want) {
			t.Errorf("after %+d the row of %s is not chosen:\n%s", step.by, step.want, strings.Join(m.draw(80, 24, now), "\n"))
		}
	}
	// The chosen gateway stays chosen while others come and go. When it goes itself, another one is chosen.
	m.move(100)
	m.show(views(t, 200)[60:], now)
	if !shows("p100") {
		t.Error("another row is chosen")
	}
	m.show(views(t, 20), now)
	if !shows("p000") {
		t.Error("no row is chosen")
	}
	m.show(nil, now)
	m.move(1)
	m.draw(80, 24, now)
}

func TestWhyTheChosenGatewayIsDownIsInSight(t *testing.T) {
	now := time.Now()
	m := model{}
	m.show(views(t, 3), now)
	m.rows[1].Reason, m.rows[1].Hint = "its key is wrong", "try again"
	if text := strings.Join(m.draw(60, 20, now), "\n"); strings.Contains(text, "try again") {
		t.Error(text)
	}
	m.rows[0].LastFailure = service.Death{Time: now, ExitCode: -1, Signal: "SIGKILL", OutOfMemory: true}
	if text := strings.Join(m.draw(60, 20, now), "\n"); !strings.Contains(text, "killed by SIGKILL, out of memory, at 20") {
		t.Error(text)
	}
	m.say(true, "old news")
	m.move(1)
	if text := strings.Join(m.draw(60, 20, now), "\n"); !strings.Contains(text, "its key is wrong; try again") || strings.Contains(text, "old news") {
		t.Error(text)
	}
}

func TestTheClockRunsBetweenTwoLooks(t *testing.T) {
	now := time.Now()
	m := model{}
	m.show(views(t, 1), now)
	if text := strings.Join(m.draw(100, 10, now.Add(2500*time.Millisecond)), "\n"); !strings.Contains(text, "1m1s") {
		t.Error(text)
	}
}

func TestALogStaysWhereSomebodyReads(t *testing.T) {
	m := model{page: pageLog}
	for i := range 100 {
		m.add([]string{fmt.Sprintf("line %d.", i)})
	}
	last := func() string { return strings.Join(m.draw(80, 14, time.Now()), "\n") }
	if !strings.Contains(last(), "line 99.") {
		t.Error(last())
	}
	m.scroll(20, 10)
	m.add([]string{"new", "new", "new"})
	if !strings.Contains(last(), "line 79.") || strings.Contains(last(), "line 80.") {
		t.Error(last())
	}
	m.scroll(1000, 10)
	if !strings.Contains(last(), "line 0.") {
		t.Error(last())
	}
	for range 3 * maxLog {
		m.add([]string{"more"})
	}
	m.scroll(-1_000_000, 10)
	if len(m.log) != maxLog || !strings.Contains(last(), "more") {
		t.Errorf("%d lines are kept", len(m.log))
	}
}

func TestWithoutColoursOnlyTheChosenRowStandsOut(t *testing.T) {
	m := model{}
	m.show(views(t, 3), time.Now())
	m.say(true, "trouble")
	text := strings.Join(m.draw(80, 24, time.Now()), "\n")
	if strings.Contains(text, "\x1b[3") || strings.Count(text, "\x1b[7m") != 1 {
		t.Errorf("%q", text)
	}
}

func TestKeys(t *testing.T) {
	for text, want := range map[string][]key{
		"s": {'s'}, "\x03": {keyInterrupt}, "\x1b": {keyEscape}, "\x1b[A": {keyUp}, "\x1bOB": {keyDown}, "\x1b[5~\x1b[6~": {keyPageUp, keyPageDown},
		"jk": {'j', 'k'}, "\x1bq": {keyEscape, 'q'}, "\x1b[1;5C": {keyUnknown}, "ä": {'ä'}, "\xff": {keyUnknown}, "\r": {keyEnter}, "\x1b[": {keyUnknown}, "": nil,
	} {
		if got := decode([]byte(text)); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// FuzzKeys checks that decode reads every byte and never panics, whatever a terminal sends.
func FuzzKeys(f *testing.F) {
	for _, s := range []string{"s", "\x1b[A", "\x1b[1;5C", "\x1b[", "\xff\x1b", "\x1b[200~text\x1b[201~", "\x1bO"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if keys := decode(b); len(b) > 0 && len(keys) == 0 || len(keys) > len(b) {
			t.Errorf("%q: %v", b, keys)
		}
	})
}
