// Package conversation turns a user's message into an answer: one turn at a time per
// session, with the profile's character and what the session remembers.
package conversation

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"hermes/internal/model"
	"hermes/internal/store"
	"hermes/internal/volume"
)

// Sessions remembers. *store.Store is one.
type Sessions interface {
	History(ctx context.Context, session string, limit int) ([]store.Message, error)
	Append(ctx context.Context, session string, msgs ...store.Message) error
}

const (
	// maxHistory bounds what a session brings into a request, in bytes of text.
	maxHistory = 512 << 10
	// saveTimeout bounds a write that must happen although its client has gone.
	saveTimeout = 10 * time.Second
)

// Conversation holds the turns of one profile. It is safe for concurrent use.
type Conversation struct {
	home     volume.Dir
	soul     Soul
	provider model.Provider
	sessions Sessions
	log      *slog.Logger
	queue    queue

	mu       sync.Mutex
	lastSoul string // what SOUL.md said when it could last be read
}

// Soul is the file in a profile's home that says who the agent is.
type Soul struct {
	Name string
	Max  int64 // in bytes
}

// New returns the conversation of a profile.
func New(home volume.Dir, soul Soul, p model.Provider, s Sessions, log *slog.Logger) *Conversation {
	return &Conversation{home: home, soul: soul, provider: p, sessions: s, log: log}
}

// Request is one turn.
type Request struct {
	// Session is remembered under this name. "" is a stateless turn.
	Session string
	// Origin is where the new words came from.
	Origin Origin
	// System is added to SOUL.md for this turn.
	System string
	// Messages is, in a stateless turn, the history and the user's new words. In a session
	// only the new words count: the messages after the last answer.
	Messages []model.Message
	Params   model.Params
	// Begun, if not nil, is called once the turn is taken: it waits for the turns before it, or the model is about
	// to be asked. It is called in the turn's own goroutine, at most once. A turn that is refused does not begin.
	Begun func()
}

// NewWords returns the user's messages after the last answer, as one text.
func (r Request) NewWords() string {
	var words []string
	for i := len(r.Messages) - 1; i >= 0 && r.Messages[i].Role == model.User; i-- {
		if text := r.Messages[i].Text(); text != "" {
			words = append(words, text)
		}
	}
	slices.Reverse(words)
	return strings.Join(words, "\n\n")
}

// SaveError reports an answer or a question that a session will not remember.
type SaveError struct{ Err error }

func (e *SaveError) Error() string { return "this turn cannot be remembered: " + e.Err.Error() }

// Unwrap returns the store's error.
func (e *SaveError) Unwrap() error { return e.Err }

// Turn answers a request; emit gets the answer in events as they come. Turns of one
// session wait for each other, in the order of their calls. Errors are those of the
// model, of emit, of ctx, ErrBusy, and *SaveError.
func (c *Conversation) Turn(ctx context.Context, r Request, emit func(model.Event) error) (model.Result, error) {
	t := &turn{c: c, r: r, emit: emit, start: time.Now()}
	res, err := t.run(ctx)
	t.report(ctx, res, err)
	return res, err
}

// system returns SOUL.md as it is now: edits take effect with the next turn. While the
// file cannot be read, the agent stays who it was.
func (c *Conversation) system(extra string) string {
	data, err := c.home.ReadFile(c.soul.Name, c.soul.Max)
	c.mu.Lock()
	if err == nil {
		c.lastSoul = strings.TrimSpace(strings.TrimPrefix(string(data), "\ufeff")) // some editors begin with that mark
	}
	soul := c.lastSoul
	c.mu.Unlock()
	if err != nil {
		c.log.Warn("cannot read SOUL.md, going on with what it said", "error", err)
	}
	if extra == "" || soul == "" {
		return soul + extra
	}
	return soul + "\n\n" + extra
}

// turn is one answer in the making.
type turn struct {
	c     *Conversation
	r     Request
	emit  func(model.Event) error
	start time.Time

	begun      bool
	firstToken time.Duration
	bytes      int
	answer     answer // in a session only
}

func (t *turn) run(ctx context.Context) (model.Result, error) {
	if t.r.Session == "" {
		t.begin()
		return t.stream(ctx, merge(t.r.Messages))
	}
	leave, err := t.c.queue.enter(ctx, t.r.Session, t.begin)
	if err != nil {
		return model.Result{}, err
	}
	defer leave()

	stored, err := t.c.sessions.History(ctx, t.r.Session, maxHistory)
	if err != nil {
		return model.Result{}, &SaveError{err}
	}
	t.begin()
	question := t.r.question()
	question.Created = t.start
	// The question is saved beside the model's work, and is safe before the turn ends.
	saved := make(chan error, 1)
	if repeated(stored, question) {
		saved <- nil
	} else {
		go func() { saved <- t.save(ctx, question) }()
		stored = append(stored, question)
	}
	res, err := t.stream(ctx, merge(history(stored)))
	if serr := <-saved; serr != nil {
		return res, cmp.Or(err, error(&SaveError{serr}))
	}
	if m := t.answer.message(); !thoughtOnly(m) {
		m.Interrupted = err != nil
		if serr := t.save(ctx, m); serr != nil {
			return res, cmp.Or(err, error(&SaveError{serr}))
		}
	}
	return res, err
}

// begin tells that the turn is taken.
func (t *turn) begin() {
	if !t.begun && t.r.Begun != nil {
		t.r.Begun()
	}
	t.begun = true
}

// save writes although the client may have gone: the history must stay whole.
func (t *turn) save(ctx context.Context, m store.Message) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	return t.c.sessions.Append(ctx, t.r.Session, m)
}

func (t *turn) stream(ctx context.Context, msgs []model.Message) (model.Result, error) {
	req := model.Request{System: t.c.system(t.r.System), Messages: msgs, Params: t.r.Params}
	return t.c.provider.Stream(ctx, req, func(e model.Event) error {
		if text, ok := e.(model.TextDelta); ok {
			if t.bytes == 0 {
				t.firstToken = time.Since(t.start)
			}
			t.bytes += len(text)
		}
		if t.r.Session != "" {
			t.answer.add(e)
		}
		return t.emit(e)
	})
}

// report writes the turn's line: what it took, never what was said.
func (t *turn) report(ctx context.Context, res model.Result, err error) {
	attrs := []any{
		"session", sessionLabel(t.r.Session), "ms", time.Since(t.start).Milliseconds(), "first_token_ms", t.firstToken.Milliseconds(),
		"input_tokens", res.Usage.Input, "output_tokens", res.Usage.Output, "bytes", t.bytes,
	}
	switch {
	case err == nil:
		t.c.log.Info("turn done", attrs...)
	case ctx.Err() != nil:
		t.c.log.Info("turn interrupted", append(attrs, "cause", context.Cause(ctx))...)
	default:
		t.c.log.Warn("turn failed", append(attrs, "error", err)...)
	}
}

// sessionLabel lets lines of one session be found together without naming it: clients
// put phone numbers and mail addresses into session ids.
func sessionLabel(id string) string {
	if id == "" {
		return "none"
	}
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:4])
}

// ErrBusy reports a session with too many turns waiting.
var ErrBusy = errors.New("too many turns of this session are waiting")
