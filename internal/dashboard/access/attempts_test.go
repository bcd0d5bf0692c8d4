package access

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"hermes/internal/volume"
)

// TestManyAttemptsAtOnceAreAsManyAsOneByOne: each is counted before it is made.
func TestManyAttemptsAtOnceAreAsManyAsOneByOne(t *testing.T) {
	s := serve(t, locked())
	var looked, refused atomic.Int32
	var all sync.WaitGroup
	for range 400 {
		all.Go(func() {
			p := peer{address: netip.MustParseAddr("192.0.2.1")}
			ok, wait := s.access.attempt(t.Context(), p, "ann", "x")
			switch {
			case ok:
				t.Error("it is right")
			case wait > 0:
				refused.Add(1)
			default:
				looked.Add(1)
			}
		})
	}
	all.Wait()
	if looked.Load() != freeFailures+1 || refused.Load() != 400-freeFailures-1 {
		t.Errorf("%d were looked at, %d refused", looked.Load(), refused.Load())
	}
}

// TestWhoGuessesKeepsNobodyElseWaiting: while one address has as many attempts under way as it may, another address gets its turn.
func TestWhoGuessesKeepsNobodyElseWaiting(t *testing.T) {
	k, err := newCredentials(locked(), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	guesser, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	ctx, cancel := context.WithCancel(t.Context())
	begun, hold := make(chan struct{}, 50), make(chan struct{}) // room for all: after the end of ctx several may still get a turn
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			_, _ = k.check(ctx, guesser, "ann", "x", func() error {
				begun <- struct{}{}
				<-hold // as an attempt does that takes long
				return nil
			})
		})
	}
	<-begun
	patient, impatient := context.WithTimeout(t.Context(), 30*time.Second)
	defer impatient()
	if ok, err := k.check(patient, other, "ann", password, func() error { return nil }); !ok || err != nil {
		t.Errorf("%t, %v", ok, err)
	}
	cancel()
	close(hold)
	all.Wait()
	k.turns.mu.Lock()
	defer k.turns.mu.Unlock()
	if len(k.turns.sources) != 0 {
		t.Errorf("%d addresses still wait", len(k.turns.sources))
	}
}

func TestTheQueueOfAnAddressIsBounded(t *testing.T) {
	turns := newTurns()
	from := who(netip.MustParseAddr("192.0.2.1"))
	done, err := turns.take(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	turns.mu.Lock()
	turns.sources[from].n = maxWaiting
	turns.mu.Unlock()
	patient, impatient := context.WithTimeout(t.Context(), 30*time.Second)
	defer impatient()
	if _, err := turns.take(patient, from); !errors.Is(err, errCrowded) {
		t.Errorf("got %v", err)
	}
	turns.mu.Lock()
	turns.sources[from].n = 1
	turns.mu.Unlock()
	done()
}

// TestASessionThatWasLoggedOutOfStaysOut after a restart with the same secret.
func TestASessionThatWasLoggedOutOfStaysOut(t *testing.T) {
	c := locked()
	c.Home = volume.At(t.TempDir())
	s := serve(t, c)
	out, token := s.login()
	in, _ := s.login()
	if resp, _ := s.do("POST", "/logout", "csrf_token="+token, cookie(out)); resp.StatusCode != 303 {
		t.Fatal(resp.Status)
	}
	next := serve(t, c)
	if resp, _ := next.do("GET", "/", "", cookie(out)); resp.StatusCode != 401 {
		t.Errorf("logged out: %s", resp.Status)
	}
	if resp, _ := next.do("GET", "/", "", cookie(in)); resp.StatusCode != 200 {
		t.Errorf("the other session: %s", resp.Status)
	}
	if info, err := c.Home.Lstat(endedName); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	// If the list cannot be read any more, every session is ended.
	if err := c.Home.WriteFile(endedName, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if resp, _ := serve(t, c).do("GET", "/", "", cookie(in)); resp.StatusCode != 401 {
		t.Errorf("after the list was lost: %s", resp.Status)
	}
}

func TestTheListOfEndedSessionsIsBoundedAndForgetsNobody(t *testing.T) {
	begun := time.Now()
	now := begun
	e, err := newEnded(volume.Dir{}, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, 2*maxEnded)
	for i := range ids {
		ids[i] = time.Duration(i).String()
		now = begun.Add(time.Duration(i) * time.Second)
		if _, err := e.add(ids[i], now.Add(ageLimit)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(e.until); n > maxEnded {
		t.Errorf("%d are kept", n)
	}
	for i, id := range ids {
		if !e.has(id, begun.Add(time.Duration(i)*time.Second)) {
			t.Fatalf("the %d. is good again", i)
		}
	}
	now = now.Add(3 * ageLimit)
	if e.purge(); len(e.until) != 0 {
		t.Errorf("%d are kept of those that are over by themselves", len(e.until))
	}
}

// TestWhoIsNotAllowedAnyMoreIsOut at the next request.
func TestWhoIsNotAllowedAnyMoreIsOut(t *testing.T) {
	c := locked()
	c.OIDC = OIDC{Issuer: "http://127.0.0.1:1", ClientID: "x", Allowed: []string{"Bob@example.org", "robot-7"}, PublicURL: "http://127.0.0.1"}
	s := serve(t, c)
	for user, want := range map[string]int{"bob@example.org": 200, "robot-7": 200, "eve@example.org": 401, "ROBOT-7": 401} {
		rec := recorder{header: http.Header{}}
		if err := s.access.sessions.write(&rec, place{}, s.access.sessions.begin(user, byIssuer)); err != nil {
			t.Fatal(err)
		}
		resp := http.Response{Header: rec.header}
		if resp, _ := s.do("GET", "/", "", cookie(resp.Cookies()[0])); resp.StatusCode != want {
			t.Errorf("%s: %s", user, resp.Status)
		}
	}
}

type recorder struct{ header http.Header }

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) Write(p []byte) (int, error) { return len(p), nil }
func (r *recorder) WriteHeader(int)             {}

// TestALogoutEndsWhatStreamsInTheSession, and nobody else's.
func TestALogoutEndsWhatStreamsInTheSession(t *testing.T) {
	s := serve(t, locked())
	c, token := s.login()
	other, _ := s.login()
	read := func(c *http.Cookie) session {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(c)
		sess, ok := s.access.sessions.read(r, place{})
		if !ok {
			t.Fatal("no session")
		}
		return sess
	}
	ctx, done := s.access.sessions.during(t.Context(), read(c))
	defer done()
	others, othersDone := s.access.sessions.during(t.Context(), read(other))
	defer othersDone()
	sess := read(c)
	if resp, _ := s.do("POST", "/logout", "csrf_token="+token, cookie(c)); resp.StatusCode != 303 {
		t.Fatal(resp.Status)
	}
	if !errors.Is(context.Cause(ctx), errSessionEnded) {
		t.Errorf("its stream goes on: %v", context.Cause(ctx))
	}
	if others.Err() != nil {
		t.Errorf("another session's ended: %v", context.Cause(others))
	}
	late, lateDone := s.access.sessions.during(t.Context(), sess)
	defer lateDone()
	if late.Err() == nil {
		t.Error("one that began meanwhile goes on")
	}
}

// TestAProgramThatIsRightGivesNobodyNewAttempts: it sends the same again and again, perhaps from behind the same address.
func TestAProgramThatIsRightGivesNobodyNewAttempts(t *testing.T) {
	s := serve(t, locked())
	program := func() int {
		resp, _ := s.do("GET", "/", "", basic("ann", password))
		return resp.StatusCode
	}
	if code := program(); code != 200 {
		t.Fatal(code)
	}
	guesses := 0
	for range 3 * freeFailures {
		if resp, _ := s.do("GET", "/", "", basic("ann", "x")); resp.StatusCode == 401 {
			guesses++
		}
		program()
	}
	if guesses != freeFailures+1 {
		t.Errorf("%d guesses were looked at", guesses)
	}
	s.clock = s.clock.Add(longestWait)
	if resp, _ := s.do("POST", "/login", "username=ann&password="+password); resp.StatusCode != 303 || s.access.limiter.known.Len() != 0 {
		t.Errorf("who logs in begins anew: %s, %d", resp.Status, s.access.limiter.known.Len())
	}
}

// TestAListOfEndedSessionsFromElsewhereKeepsNobodyOut, whatever it holds.
func TestAListOfEndedSessionsFromElsewhereKeepsNobodyOut(t *testing.T) {
	many := make([]string, 3*maxEnded)
	for i := range many {
		many[i] = fmt.Sprintf(`"%d":"2999-01-01T00:00:00Z"`, i)
	}
	for what, data := range map[string]string{
		"a floor of the future": `{"floor":"2999-01-01T00:00:00Z"}`, "too many that never end": `{"until":{` + strings.Join(many, ",") + `}}`,
		"no list": `{"until":null}`, "nothing": ``, "another type": `[1]`, "too large": strings.Repeat(" ", maxEndedFile+1),
	} {
		c := locked()
		c.Home = volume.At(t.TempDir())
		if err := c.Home.WriteFile(endedName, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		s := serve(t, c)
		s.clock = time.Now().Add(time.Second) // after the list was read, however long that took
		s.login()
		if n := len(s.access.sessions.ended.until); n > maxEnded {
			t.Errorf("%s: %d are kept", what, n)
		}
	}
	s := serve(t, locked())
	s.clock = s.clock.Add(2 * time.Hour)
	c, _ := s.login()
	s.clock = s.clock.Add(-2 * time.Hour)
	if resp, _ := s.do("GET", "/", "", cookie(c)); resp.StatusCode != 401 {
		t.Errorf("a session of the future: %s", resp.Status)
	}
}

func FuzzEnded(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	f.Add([]byte(`{"until":{"x":"2027-01-16T00:00:00Z"},"floor":"2027-01-14T00:00:00Z"}`))
	f.Add([]byte(`{"until":{"x":"9999-12-31T23:59:59Z","":"0001-01-01T00:00:00Z"}}`))
	home := volume.At(f.TempDir())
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := home.WriteFile(endedName, data, 0o600); err != nil {
			t.Fatal(err)
		}
		e, err := newEnded(home, func() time.Time { return now })
		if err != nil {
			t.Fatal(err)
		}
		if _, listed := e.until["new"]; !listed && e.has("new", now.Add(time.Second)) || len(e.until) > maxEnded {
			t.Errorf("a new session is over, or %d are kept", len(e.until))
		}
		if _, err := e.add("logged out", now.Add(ageLimit)); err != nil {
			t.Fatal(err)
		}
		again, err := newEnded(home, func() time.Time { return now })
		if err != nil || !again.has("logged out", now) {
			t.Errorf("who logged out is in again: %v", err)
		}
	})
}
