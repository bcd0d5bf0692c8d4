// Package conversation turns a user's message into an answer. It uses the profile's SOUL.md and the history of the session, and
// runs one turn at a time per session.
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

// Sessions stores the messages of sessions. *store.Store is one.
type Sessions interface {
	History(ctx context.Context, session string, limit int) ([]store.Message, error)
	Append(ctx context.Context, session string, msgs ...store.Message) error
}

const (
	// maxHistory limits how much of a session goes into a request, in bytes of text.
	maxHistory = 512 << 10
	// saveTimeout limits a write that must happen even if the client has gone.
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
	lastSoul string // what SOUL.md said when it was last read
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
	// Session is the session's name. "" means a turn without memory.
	Session string
	// Origin is where the new words came from.
	Origin Origin
	// System is added to SOUL.md for this turn.
	System string
	// Messages are, in a turn without a session, the history and the user's new messages. With a session only the user's
	// messages after the last answer count.
	Messages []model.Message
	Params   model.Params
	// Begun, if not nil, is called once the turn is accepted, before it waits for earlier turns or asks the model. It is called
	// in the turn's own goroutine, at most once, and never for a turn that is refused.
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

// SaveError reports a question or an answer that could not be stored in its session.
type SaveError struct{ Err error }

func (e *SaveError) Error() string { return "this turn cannot be remembered: " + e.Err.Error() }

// Unwrap returns the store's error.
func (e *SaveError) Unwrap() error { return e.Err }

// Turn answers a request and passes the answer to emit, event by event. The turns of one session run one after the other, in the
// order in which Turn was called. It returns the errors of the model, of emit and of ctx, ErrBusy, and *SaveError.
func (c *Conversation) Turn(ctx context.Context, r Request, emit func(model.Event) error) (model.Result, error) {
	t := &turn{c: c, r: r, emit: emit, start: time.Now()}
	res, err := t.run(ctx)
	t.report(ctx, res, err)
	return res, err
}

// system returns the system prompt. It reads SOUL.md for every turn, so an edit takes effect with the next one. While the file
// cannot be read, it uses the last text that could.
func (c *Conversation) system(extra string) string {
	data, err := c.home.ReadFile(c.soul.Name, c.soul.Max)
	c.mu.Lock()
	if err == nil {
		c.lastSoul = strings.TrimSpace(strings.TrimPrefix(string(data), "\ufeff")) // some editors write a byte order mark
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

// turn is one turn while it runs.
type turn struct {
	c     *Conversation
	r     Request
	emit  func(model.Event) error
	start time.Time

	begun      bool
	firstToken time.Duration
	bytes      int
	answer     answer // used only with a session
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
	// The question is saved while the model works, and the turn waits for the save before it ends.
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

// begin calls Begun, if that has not happened yet.
func (t *turn) begin() {
	if !t.begun && t.r.Begun != nil {
		t.r.Begun()
	}
	t.begun = true
}

// save stores a message even if the client has gone, so that the history has no gaps.
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

// report logs one line about the turn: times, tokens and errors, but none of its text.
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

// sessionLabel returns a hash of the session's id for the log. Lines of one session can be found together by it, and the id
// stays out of the log: clients put phone numbers and mail addresses into it.
func sessionLabel(id string) string {
	if id == "" {
		return "none"
	}
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:4])
}

// ErrBusy reports that too many turns of the session are waiting already.
var ErrBusy = errors.New("too many turns of this session are waiting")
