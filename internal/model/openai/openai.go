// Package openai answers through any server that speaks OpenAI's chat completions:
// OpenAI itself, vLLM, Ollama, OpenRouter.
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

// Options says which server answers, and how patiently it is asked.
type Options struct {
	BaseURL    string // up to and including /v1
	Model      string
	Key        string // secret; "" sends none
	KeyHint    string // where the key is configured, for messages
	ConfigFile string // where the model is configured, for messages
	// MaxRetries is how often a request is tried again before its first token.
	MaxRetries int
	// Stall is how long the server may send nothing at all. 0 means DefaultStall.
	Stall time.Duration
	// Sleep waits between tries; nil means real time. It returns ctx's error when ctx ends.
	Sleep func(ctx context.Context, d time.Duration) error
}

const (
	// DefaultStall is generous: a large local model may load for minutes before it speaks.
	DefaultStall = 10 * time.Minute
	firstBackoff = 250 * time.Millisecond
	maxBackoff   = 8 * time.Second
	// maxRetryAfter bounds what a server may ask for; over it the client gets the 429.
	maxRetryAfter = 30 * time.Second
)

// Provider is a model behind an OpenAI-compatible server. Nothing is set up before
// the first request: an idle gateway pays nothing for it.
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

// Close ends idle connections. The provider stays usable.
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
		// The SDK takes keys and accounts from OPENAI_* variables by itself. Which of them
		// count, and for whom, is the profile's business: a key must never reach a server
		// that it was not meant for.
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

// Stream implements model.Provider. A request is tried again after 429, 5xx and broken
// connections for as long as no text and no call has come: text that was shown cannot be taken back.
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

// wait doubles from firstBackoff to maxBackoff, less up to a half so that many gateways
// do not come back at once. The server's own wish wins if it is longer.
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
	spoke   bool  // text came, or a call of a tool
	thought bool  // reasoning came
	emitErr error // what emit returned
}

type stallError struct{ after time.Duration }

func (e *stallError) Error() string { return fmt.Sprintf("silent for %s", e.after) }

// signKey is the key of what an attempt's context calls when the server gives a sign of life.
type signKey struct{}

// heard takes everything that a server sends for a sign of life: text, what it thinks, whatever the field is called, and
// comments that it sends to be heard.
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
	// A library that meets an answer it cannot make sense of must not take the gateway down.
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
