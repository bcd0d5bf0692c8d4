package openai

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"charm.land/fantasy"

	"hermes/internal/model"
)

// failure is a model.Error, with a flag that says whether the same request may succeed when it is tried again.
type failure struct {
	model.Error
	retry bool
}

// classify turns an error of the library into a failure. The library's errors contain whole requests with their keys, so only what
// classify picks from them may reach clients and logs.
func (p *Provider) classify(err error) failure {
	var pe *fantasy.ProviderError
	var stalled *stallError
	switch {
	case errors.As(err, &stalled):
		return failure{Error: model.Error{Kind: model.Unavailable, Msg: fmt.Sprintf("the model provider was silent for %s", stalled.after)}}
	case errors.As(err, &pe) && pe.StatusCode != 0:
		return p.classifyStatus(pe)
	case errors.As(err, &pe) && pe.IsRetryable():
		return failure{unavailable("the model provider broke off its answer"), true}
	case errors.As(err, &pe):
		return failure{unavailable("the model provider reports: " + p.clean(pe.Message)), false}
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		return failure{unavailable("cannot reach the model provider at " + host(p.o.BaseURL) + ": " + p.clean(ue.Err.Error())), true}
	}
	return failure{unavailable("the connection to the model provider broke: " + p.clean(err.Error())), true}
}

func unavailable(msg string) model.Error { return model.Error{Kind: model.Unavailable, Msg: msg} }

func (p *Provider) classifyStatus(pe *fantasy.ProviderError) failure {
	code := pe.StatusCode
	after := retryAfter(pe.ResponseHeaders)
	switch {
	case code == http.StatusTooManyRequests:
		return failure{model.Error{Kind: model.RateLimited, RetryAfter: after, Msg: "the model provider is rate limiting this gateway: try again later"}, true}
	case code >= 500, code == http.StatusRequestTimeout, code == http.StatusConflict:
		e := unavailable(fmt.Sprintf("the model provider failed (HTTP %d)", code))
		e.RetryAfter = after
		return failure{e, true}
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusPaymentRequired:
		// The server's text may contain the key, so it is not shown.
		return failure{Error: model.Error{Kind: model.Refused, Msg: fmt.Sprintf("the model provider refused this gateway (HTTP %d): check %s", code, p.o.KeyHint)}}
	case code == http.StatusNotFound:
		return failure{Error: model.Error{Kind: model.Refused, Msg: fmt.Sprintf(
			"the model provider at %s does not know model %q (HTTP 404): check model.name and model.base_url in %s", host(p.o.BaseURL), p.o.Model, p.o.ConfigFile)}}
	}
	return failure{Error: model.Error{Kind: model.BadRequest, Msg: fmt.Sprintf("the model provider cannot answer this request (HTTP %d): %s", code, p.clean(pe.Message))}}
}

// maxForeign limits how much of a server's text we pass on, in bytes.
const maxForeign = 300

// clean makes a server's text fit for clients and logs: it makes it one line, shortens it and removes the key.
func (p *Provider) clean(s string) string {
	if p.o.Key != "" {
		s = strings.ReplaceAll(s, p.o.Key, "[key]")
	}
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > maxForeign {
		s = string(r[:maxForeign]) + "..."
	}
	return strings.TrimSpace(s)
}

// host returns a base URL without the parts that may be secret: user, path and query.
func host(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return "its base_url"
	}
	return u.Host
}

// retryAfter reads the header retry-after-ms (OpenAI's own) or retry-after, which is a number of seconds or a date.
func retryAfter(h map[string]string) time.Duration {
	get := func(name string) string {
		for k, v := range h {
			if strings.EqualFold(k, name) {
				return v
			}
		}
		return ""
	}
	if ms, err := strconv.ParseFloat(get("retry-after-ms"), 64); err == nil && ms >= 0 && ms < 1e9 {
		return time.Duration(ms * float64(time.Millisecond))
	}
	v := get("retry-after")
	if s, err := strconv.ParseFloat(v, 64); err == nil && s >= 0 && s < 1e6 {
		return time.Duration(s * float64(time.Second))
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, time.Until(t))
	}
	return 0
}
