// Package echo is the model of a profile that has no model configured. It answers with the user's own words and, once per
// conversation, says how to configure a real model.
package echo

import (
	"context"
	"fmt"
	"strings"

	"hermes/internal/model"
)

// Provider answers with the last user message, streamed word by word.
type Provider struct{ config, env string }

// New returns an echo whose explanation names these two files.
func New(configFile, envFile string) *Provider { return &Provider{configFile, envFile} }

// Name is "echo".
func (p *Provider) Name() string { return "echo" }

// Stream implements model.Provider. It fails only if emit fails or ctx ends.
func (p *Provider) Stream(ctx context.Context, r model.Request, emit func(model.Event) error) (model.Result, error) {
	var last string
	first := true
	var in int
	for _, m := range r.Messages {
		words := m.Text()
		in += len(strings.Fields(words))
		switch m.Role {
		case model.User:
			last = words
		case model.Assistant:
			first = false
		}
	}
	text := last
	if first {
		text = p.notice() + text
	}
	var out int64
	for word := range words(text) {
		if err := ctx.Err(); err != nil {
			return model.Result{}, err
		}
		if err := emit(model.TextDelta(word)); err != nil {
			return model.Result{}, err
		}
		out++
	}
	return model.Result{Finish: model.FinishStop, Usage: model.Usage{Input: int64(in), Output: out}}, nil
}

func (p *Provider) notice() string {
	return fmt.Sprintf("(No model is configured, so this is an echo. To configure one, write\n"+
		"model:\n  provider: openai\n  name: <model>\n  base_url: <http://host:port/v1>\n"+
		"to %s and OPENAI_API_KEY=<key> to %s, then restart the gateway.)\n\n", p.config, p.env)
}

// words yields the text in pieces. Each piece ends with the white space that follows a word.
func words(s string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for s != "" {
			end := len(s)
			if i := strings.IndexAny(s, " \n\t"); i >= 0 {
				end = i + 1
				for end < len(s) && strings.IndexByte(" \n\t", s[end]) >= 0 {
					end++
				}
			}
			if !yield(s[:end]) {
				return
			}
			s = s[end:]
		}
	}
}
