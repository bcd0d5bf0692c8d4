package dashboard

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"hermes/internal/store"
)

func (s *site) apiSessions(c *apiCall) (any, error) {
	g, err := c.gateway()
	if err != nil {
		return nil, err
	}
	v := s.conversations(c.r.Context(), g, c.r.URL.Query())
	type session struct {
		store.Session
		Created time.Time `json:"created"`
		Updated time.Time `json:"updated"`
	}
	type broken struct {
		Session  string    `json:"session"`
		Question string    `json:"question"`
		Created  time.Time `json:"created"`
	}
	list, off := make([]session, 0, len(v.List)), make([]broken, 0, len(v.Broken))
	for _, x := range v.List {
		list = append(list, session{x, x.Created, x.Updated})
	}
	for _, b := range v.Broken {
		off = append(off, broken(b))
	}
	return map[string]any{"sessions": list, "more": v.More, "usage": v.Usage, "broken_off": off}, v.Err
}

func (s *site) apiTranscript(c *apiCall) (any, error) {
	g, err := c.gateway()
	if err != nil {
		return nil, err
	}
	v := s.readTranscript(c.r, g)
	if v.Err != nil {
		return nil, v.Err
	}
	if len(v.Messages) == 0 {
		return nil, &apiError{http.StatusNotFound, "not_found", "there is no such session", ""}
	}
	type message struct {
		Role        string    `json:"role"`
		Content     string    `json:"content"`
		Interrupted bool      `json:"interrupted"`
		Created     time.Time `json:"created"`
	}
	list := make([]message, 0, len(v.Messages))
	for _, m := range v.Messages {
		list = append(list, message{m.Role, m.Content, m.Interrupted, m.Created})
	}
	return map[string]any{"session": v.Session, "messages": list, "earlier": v.Earlier}, nil
}

func (s *site) apiForget(c *apiCall) (any, error) {
	g, err := c.gateway()
	if err != nil {
		return nil, err
	}
	return s.forget(c.r.Context(), s.visitor(c.r), g, c.r.PathValue("session")).api()
}

func (s *site) apiPrune(c *apiCall) (any, error) {
	g, err := c.gateway()
	if err != nil {
		return nil, err
	}
	var b struct {
		OlderThan    string `json:"older_than"`
		KeepMessages int    `json:"keep_messages"`
		DryRun       bool   `json:"dry_run"`
	}
	if err := c.body(&b); err != nil {
		return nil, err
	}
	messages := ""
	if b.KeepMessages != 0 {
		messages = strconv.Itoa(b.KeepMessages)
	}
	var gone store.Removed
	if b.DryRun {
		gone, err = s.prunable(c.r.Context(), g, b.OlderThan, messages)
	} else {
		var o outcome
		gone, o = s.prune(c.r.Context(), s.visitor(c.r), g, b.OlderThan, messages)
		err = o.Err
	}
	return map[string]any{"sessions": gone.Sessions, "messages": gone.Messages, "dry_run": b.DryRun}, err
}

func (s *site) apiChat(c *apiCall) (any, error) {
	g, err := c.gateway()
	if err != nil {
		return nil, err
	}
	var b struct {
		Session string `json:"session"`
		Message string `json:"message"`
	}
	if err := c.body(&b); err != nil {
		return nil, err
	}
	if err := sayable(b.Session, b.Message); err != nil {
		return nil, &apiError{http.StatusUnprocessableEntity, "message", err.Error(), ""}
	}
	var text strings.Builder
	if err := s.ask(c.r.Context(), g.Profile, b.Session, b.Message, &answer{w: &text}); err != nil {
		return nil, &apiError{http.StatusBadGateway, "gateway", logText(err), ""}
	}
	return map[string]any{"session": b.Session, "answer": text.String()}, nil
}
