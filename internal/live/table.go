package live

import (
	"context"
	"fmt"
	"sync"
	"time"

	"hermes/internal/fleet"
	"hermes/internal/logs"
	"hermes/internal/operate"
	"hermes/internal/profile"
)

// Options says what the table shows and what its keys do.
type Options struct {
	Title string
	Color bool
	// Rows returns what all gateways do. The table calls it after a change that News reported.
	Rows func(context.Context) []fleet.View
	// News returns a channel that is closed at the next change.
	News func() <-chan struct{}
	// Act starts, stops or restarts a gateway and returns when that is done.
	Act func(ctx context.Context, action operate.Action, n profile.Name) error
	// Root is HERMES_HOME, below which the logs are.
	Root string
	// Zone is the local time zone; nil is the machine's own zone.
	Zone *time.Location
	// Interrupt is called for Ctrl-C. The first call ends everything gracefully, the second at once.
	Interrupt func()
	// Notices are messages that the table shows.
	Notices <-chan string
}

const (
	// gather is how long the table collects changes before it draws again.
	gather = 50 * time.Millisecond
	// measureEvery is how often the memory of the visible rows is measured, in ticks of the clock.
	measureEvery = 5
)

// done is the result of an action.
type done struct {
	text string
	err  error
}

// run is the state of the table while it is shown.
type run struct {
	o       Options
	m       model
	screen  *Screen
	acting  sync.WaitGroup
	results chan done
	lines   chan []string
	endLog  func()
}

// Run shows the table until ctx ends or the terminal is gone.
func (s *Screen) Run(ctx context.Context, o Options) {
	ctx, cancel := context.WithCancel(ctx)
	r := &run{o: o, screen: s, m: model{title: o.Title, color: o.Color}, results: make(chan done), lines: make(chan []string), endLog: func() {}}
	defer r.acting.Wait()
	defer cancel()
	clock := time.NewTicker(time.Second)
	defer clock.Stop()
	news := o.News()
	var soon <-chan time.Time
	r.look(ctx, true)
	for ticks := 1; ; {
		width, height := s.size()
		s.show(r.m.draw(width, height, time.Now()))
		select {
		case <-ctx.Done():
			return
		case k, ok := <-s.keys:
			if !ok { // the terminal is gone
				o.Interrupt()
				s.keys = nil
				break
			}
			r.press(ctx, k, body(height))
		case <-s.resized:
		case <-news:
			news = nil
			soon = time.After(gather)
		case <-soon:
			news, soon = o.News(), nil
			r.look(ctx, false)
		case <-clock.C:
			if ticks++; ticks%measureEvery == 0 {
				r.look(ctx, true)
			}
		case d := <-r.results:
			if d.err != nil {
				d.text = "✗ " + d.err.Error()
			}
			r.m.say(d.err != nil, d.text)
		case text := <-o.Notices:
			r.m.say(true, text)
		case lines := <-r.lines:
			r.m.add(lines)
		}
	}
}

// look reads the rows anew. With measure it measures the memory of the visible rows; the other rows keep their last value.
func (r *run) look(ctx context.Context, measure bool) {
	rows := r.o.Rows(ctx)
	known := map[int]int64{}
	for _, v := range r.m.rows {
		known[v.PID] = v.Memory
	}
	_, height := r.screen.size()
	for i := range rows {
		rows[i].Memory = known[rows[i].PID]
		if seen := i >= r.m.top && i < r.m.top+body(height); seen && rows[i].Up() && (measure || rows[i].Memory == 0) {
			rows[i].Measure()
		}
	}
	r.m.show(rows, time.Now())
}

// press does what a key stands for.
func (r *run) press(ctx context.Context, k key, height int) {
	m := &r.m
	switch {
	case k == keyInterrupt:
		m.asking, m.ending = false, true
		r.o.Interrupt()
	case m.asking:
		if m.asking = false; k == 'y' || k == 'Y' {
			m.ending = true
			r.o.Interrupt()
		}
	case m.page == pageHelp:
		m.page = pageTable
	case m.page == pageLog:
		r.pressInLog(k, height)
	default:
		r.pressInTable(ctx, k, height)
	}
}

func (r *run) pressInLog(k key, height int) {
	switch k {
	case keyUp, 'k':
		r.m.scroll(1, height)
	case keyDown, 'j':
		r.m.scroll(-1, height)
	case keyPageUp, 'b':
		r.m.scroll(height, height)
	case keyPageDown, ' ':
		r.m.scroll(-height, height)
	case keyHome, 'g':
		r.m.scroll(maxLog, height)
	case keyEnd, 'G':
		r.m.logBack = 0
	case keyEscape, 'q', 'l':
		r.endLog()
		r.m.page, r.m.log = pageTable, nil
	}
}

func (r *run) pressInTable(ctx context.Context, k key, height int) {
	m := &r.m
	switch k {
	case keyUp, 'k':
		m.move(-1)
	case keyDown, 'j':
		m.move(1)
	case keyPageUp:
		m.move(-height)
	case keyPageDown:
		m.move(height)
	case keyHome, 'g':
		m.move(-len(m.rows))
	case keyEnd, 'G':
		m.move(len(m.rows))
	case 's':
		r.act(ctx, operate.Start, "starting")
	case 'x':
		r.act(ctx, operate.Stop, "stopping")
	case 'r':
		r.act(ctx, operate.Restart, "restarting")
	case 'l', keyEnter:
		r.openLog(ctx)
	case '?', 'h':
		m.page = pageHelp
	case 'q':
		if running, _ := m.up(); running == 0 {
			m.ending = true
			r.o.Interrupt()
			return
		}
		m.asking = true
	}
}

// act runs an action on the chosen gateway in the background; the table goes on meanwhile.
func (r *run) act(ctx context.Context, action operate.Action, meanwhile string) {
	if r.m.index() < 0 {
		return
	}
	n := r.m.chosen
	r.m.say(false, meanwhile+" "+n.String()+" …")
	r.acting.Go(func() {
		err := r.o.Act(ctx, action, n)
		select {
		case r.results <- done{fmt.Sprintf("gateway '%s' %s", n, action.Outcome()), err}:
		case <-ctx.Done():
		}
	})
}

// openLog shows the log of the chosen gateway and follows it until the user leaves the page.
func (r *run) openLog(ctx context.Context) {
	if r.m.index() < 0 {
		return
	}
	n := r.m.chosen
	r.m.page, r.m.logOf, r.m.log, r.m.logBack = pageLog, n, nil, 0
	ctx, cancel := context.WithCancel(ctx)
	// Each page gets a channel of its own. Lines that are still sent for a page that the user has left must not reach the next one.
	lines := make(chan []string)
	r.lines = lines
	send := func(some []string) {
		select {
		case lines <- some:
		case <-ctx.Done():
		}
	}
	r.endLog = cancel
	r.acting.Go(func() {
		place := logs.Place{Root: r.o.Root, Profile: n, Zone: r.o.Zone}
		err := logs.Follow(ctx, place, logs.Query{Last: 200}, func(some []logs.Line) error {
			text := make([]string, len(some))
			for i, l := range some {
				text[i] = logs.Printable(l.Shown(r.o.Zone))
			}
			send(text)
			return nil
		}, func(_ profile.Name, err error) { send([]string{"✗ " + err.Error()}) }, func() { send([]string{place.Waiting()}) })
		if err != nil && ctx.Err() == nil {
			send([]string{"✗ " + err.Error()})
		}
	})
}
