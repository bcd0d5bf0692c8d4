package gateway

import (
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"hermes/internal/profile"
	"hermes/internal/store"
)

// fakePart records the calls of its methods.
type fakePart struct {
	name string
	did  *[]string
	err  error
}

func (p *fakePart) do(what string) { *p.did = append(*p.did, p.name+" "+what) }

func (p *fakePart) Start(func(error)) error { p.do("start"); return p.err }
func (p *fakePart) Drain()                  { p.do("drain") }
func (p *fakePart) Close() error            { p.do("close"); return p.err }

type fakeChannel struct{ fakePart }

func (p *fakeChannel) Name() string { return p.name }
func (p *fakeChannel) Open()        { p.do("open") }

func TestPartsStartInTheirOrderAndEndInTheReverseOrder(t *testing.T) {
	var did []string
	p := parts{&fakeChannel{fakePart{"a", &did, nil}}, &fakePart{"b", &did, nil}, &fakeChannel{fakePart{"c", &did, nil}}}
	if err := p.start(nil); err != nil {
		t.Fatal(err)
	}
	if got := p.platforms(); !reflect.DeepEqual(got, map[string]string{"a": "running", "c": "running"}) {
		t.Errorf("%v", got)
	}
	p.open()
	p.drain()
	if err := p.close(); err != nil {
		t.Fatal(err)
	}
	want := "a start, b start, c start, a open, c open, c drain, b drain, a drain, c close, b close, a close"
	if got := strings.Join(did, ", "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAPartThatCannotStartClosesAll(t *testing.T) {
	var did []string
	broken := errors.New("broken")
	p := parts{&fakePart{"a", &did, nil}, &fakePart{"b", &did, broken}, &fakePart{"c", &did, nil}}
	if err := p.start(nil); !errors.Is(err, broken) {
		t.Error(err)
	}
	if got := strings.Join(did, ", "); got != "a start, b start, c close, b close, a close" {
		t.Error(got)
	}
}

// TestAPartThatEndsByItselfEndsTheGateway, with an error and the state "running", so that the supervisor starts it again.
func TestAPartThatEndsByItselfEndsTheGateway(t *testing.T) {
	h := profile.Home{Name: profile.Default(), Dir: t.TempDir()}
	log := slog.New(slog.DiscardHandler)
	g := &gateway{o: Options{Home: h}, log: log, started: time.Now(), state: stateFile{home: h, log: log}, keepWriting: func() {}}
	if err := g.state.starting(nil); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), h.Database())
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the port is gone")
	var did []string
	l := &life{store: s, turns: newTurns(nil), counts: newCounters(nil, h, log), cancel: func(error) {}, broken: make(chan error, 1),
		parts: parts{&fakeChannel{fakePart{"a", &did, nil}}}}
	l.broken <- broken
	if err := g.serve(t.Context(), l); !errors.Is(err, broken) {
		t.Error(err)
	}
	if got := strings.Join(did, ", "); got != "a open, a drain, a close" {
		t.Error(got)
	}
	if st, err := profile.ReadState(h); err != nil || st.Gateway != profile.StateRunning || st.ExitReason != broken.Error() || st.PID != 0 {
		t.Errorf("%+v %v", st, err)
	}
}
