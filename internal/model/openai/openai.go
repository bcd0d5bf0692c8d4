// Package openai asks any server that speaks OpenAI's chat completions, such as OpenAI itself, vLLM, Ollama and OpenRouter.
package openai

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"charm.land/fantasy"
	"charm.land/fantasy/providers/openaicompat"
	"github.com/openai/openai-go/v3/option"

	"hermes/internal/model"
)

// Options says which server answers, and how long and how often it is asked.
type Options struct {
	BaseURL    string // up to and including /v1
	Model      string
	Key        string // secret; "" sends no key
	KeyHint    string // where the key is configured; error messages name it
	ConfigFile string // where the model is configured; error messages name it
	// MaxRetries is how often a request may be tried again before its first text or call of a tool.
	MaxRetries int
	// Stall is how long the server may be completely silent. 0 means DefaultStall.
	Stall time.Duration
	// Sleep waits between two tries; nil waits in real time. It returns the error of ctx if ctx ends first.
	Sleep func(ctx context.Context, d time.Duration) error
}

const (
	// DefaultStall is long because a large local model may load for minutes before it sends its first word.
	DefaultStall = 10 * time.Minute
	firstBackoff = 250 * time.Millisecond
	maxBackoff   = 8 * time.Second
	// maxRetryAfter limits the wait that a server can ask for. If it asks for more, the client gets the 429.
	maxRetryAfter = 30 * time.Second
)

// Provider is a model behind an OpenAI-compatible server. It sets up nothing before the first request, so it costs an idle gateway
// nothing.
type Provider struct {
	o Options

	mu        sync.Mutex
	lm        fantasy.LanguageModel
	transport *http.Transport
}

// New returns a provider. It does not contact the server.
func New(o Options) *Provider {
	if o.Stall == 0 {
		o.Stall = DefaultStall
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	return &Provider{o: o}
}

// Name is the model's name at the server.
func (p *Provider) Name() string { return p.o.Model }

// Close closes idle connections. The provider can still be used.
func (p *Provider) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.transport != nil {
		p.transport.CloseIdleConnections()
	}
}

func (p *Provider) languageModel(ctx context.Context) (fantasy.LanguageModel, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lm != nil {
		return p.lm, nil
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.IdleConnTimeout = 30 * time.Second
	transport.MaxIdleConnsPerHost = 4
	fp, err := openaicompat.New(
		openaicompat.WithBaseURL(strings.TrimRight(p.o.BaseURL, "/")),
		openaicompat.WithHTTPClient(&http.Client{Transport: heard{transport}}),
		openaicompat.WithUserAgent("hermes"),
		// The SDK reads keys and accounts from OPENAI_* variables by itself. The profile decides which of these variables count and
		// for which server, because a key must never reach a server for which it was not meant.
		openaicompat.WithSDKOptions(
			option.WithAPIKey(p.o.Key),
			option.WithHeaderDel("OpenAI-Organization"),
			option.WithHeaderDel("OpenAI-Project"),
		),
	)
	if err != nil {
		return nil, err
	}
	lm, err := fp.LanguageModel(ctx, p.o.Model)
	if err != nil {
		return nil, err
	}
	p.lm, p.transport = lm, transport
	return lm, nil
}

// Stream implements model.Provider. It tries a request again after 429, 5xx and broken connections, until the first text or call of
// a tool has come: text that the client has seen cannot be taken back.
func (p *Provider) Stream(ctx context.Context, r model.Request, emit func(model.Event) error) (model.Result, error) {
	lm, err := p.languageModel(ctx)
	if err != nil {
		return model.Result{}, &model.Error{Kind: model.Refused, Msg: "cannot set up the model provider"}
	}
	call := newCall(r)
	for try := 0; ; try++ {
		a := attempt{p: p, emit: emit}
		res, err := a.run(ctx, lm, call)
		if err == nil || a.emitErr != nil || ctx.Err() != nil {
			return res, cmp.Or(a.emitErr, ctx.Err(), err)
		}
		f := p.classify(err)
		if !f.retry || a.spoke || try >= p.o.MaxRetries || f.RetryAfter > maxRetryAfter {
			return res, &f.Error
		}
		if err := p.o.Sleep(ctx, wait(try, f.RetryAfter)); err != nil {
			return res, err
		}
		if a.thought {
			if err := emit(model.Restart{}); err != nil {
				return res, err
			}
		}
	}
}

// wait returns the pause before the next try. It doubles from firstBackoff to maxBackoff; up to a half is taken off at random, so
// that many gateways do not come back at the same moment. If the server asked for a longer pause, that one counts.
func wait(try int, retryAfter time.Duration) time.Duration {
	d := min(firstBackoff<<min(try, 10), maxBackoff)
	d -= time.Duration(rand.Int64N(int64(d / 2)))
	return max(d, retryAfter)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// attempt is one request to the server.
type attempt struct {
	p       *Provider
	emit    func(model.Event) error
	spoke   bool  // a text or a call of a tool has come
	thought bool  // reasoning has come
	emitErr error // what emit returned
}

type stallError struct{ after time.Duration }

func (e *stallError) Error() string { return fmt.Sprintf("silent for %s", e.after) }

// signKey is the key of the function in an attempt's context that is called at each sign of life from the server.
type signKey struct{}

// heard calls that function for every byte that a server sends, so that all of it counts as a sign of life: text, reasoning in a
// field of whatever name, and comments that the server sends only to keep the connection open.
type heard struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (h heard) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := h.RoundTripper.RoundTrip(r)
	if sign, ok := r.Context().Value(signKey{}).(func()); ok && err == nil {
		sign()
		resp.Body = heardBody{resp.Body, sign}
	}
	return resp, err
}

type heardBody struct {
	io.ReadCloser
	sign func()
}

// Read implements io.Reader.
func (b heardBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.sign()
	}
	return n, err
}

func (a *attempt) run(ctx context.Context, lm fantasy.LanguageModel, call fantasy.Call) (res model.Result, err error) {
	// The library may panic on an answer that it does not understand. That must not end the gateway.
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("cannot read the answer: %T", v)
		}
	}()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := time.AfterFunc(a.p.o.Stall, func() { cancel(&stallError{a.p.o.Stall}) })
	defer stall.Stop()
	ctx = context.WithValue(ctx, signKey{}, func() { stall.Reset(a.p.o.Stall) })

	stream, err := lm.Stream(ctx, call)
	if err != nil {
		return res, err
	}
	for part := range stream {
		switch part.Type {
		case fantasy.StreamPartTypeTextDelta:
			a.spoke = true
			a.emitErr = a.emit(model.TextDelta(part.Delta))
		case fantasy.StreamPartTypeReasoningDelta:
			if part.Delta != "" {
				a.thought = true
				a.emitErr = a.emit(model.ReasoningDelta(part.Delta))
			}
		case fantasy.StreamPartTypeToolCall:
			a.spoke = true
			a.emitErr = a.emit(model.ToolCall{ID: part.ID, Name: part.ToolCallName, Input: part.ToolCallInput})
		case fantasy.StreamPartTypeFinish:
			res.Finish = finish(part.FinishReason)
			res.Usage = model.Usage{Input: part.Usage.InputTokens + part.Usage.CacheReadTokens, Output: part.Usage.OutputTokens}
			return res, nil
		case fantasy.StreamPartTypeError:
			var stalled *stallError
			if errors.As(context.Cause(ctx), &stalled) {
				return res, stalled
			}
			return res, part.Error
		}
		if a.emitErr != nil {
			return res, a.emitErr
		}
	}
	return res, fantasy.NewIncompleteStreamError()
}

func finish(r fantasy.FinishReason) model.Finish {
	switch r {
	case fantasy.FinishReasonLength:
		return model.FinishLength
	case fantasy.FinishReasonContentFilter:
		return model.FinishContentFilter
	case fantasy.FinishReasonToolCalls:
		return model.FinishToolCalls
	}
	return model.FinishStop
}
