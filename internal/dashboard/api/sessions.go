package api

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hermes/internal/dashboard/backend"
	"hermes/internal/store"
)

// sessions are the operations on what is said to gateways.
type sessions struct {
	gateways backend.Gateways
	actions  *backend.Actions
	chat     backend.Chat
}

func (s sessions) operations() []operation {
	return []operation{
		{"GET", oneProfile + "/sessions", s.list},
		{"GET", oneProfile + "/sessions/{session}", s.transcript},
		{"DELETE", oneProfile + "/sessions/{session}", s.remove},
		{"POST", oneProfile + "/sessions/prune", s.prune},
		{"POST", oneProfile + "/chat", s.say},
	}
}

func (s sessions) list(c *call) (any, error) {
	g, err := c.gateway(s.gateways)
	if err != nil {
		return nil, err
	}
	v, err := backend.ListSessions(c.ctx(), g, backend.ParseSessionQuery(c.r.URL.Query()))
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
	return map[string]any{"sessions": list, "more": v.More, "usage": v.Usage, "broken_off": off}, err
}

func (s sessions) transcript(c *call) (any, error) {
	g, err := c.gateway(s.gateways)
	if err != nil {
		return nil, err
	}
	query := c.r.URL.Query()
	session := cmp.Or(c.r.PathValue("session"), query.Get("id"))
	messages, earlier, err := backend.ReadTranscript(c.ctx(), g, session, query.Get("before"))
	if err != nil {
		return nil, err
	}
	if len(messages) == 0 {
		return nil, &callError{http.StatusNotFound, "not_found", "there is no such session", ""}
	}
	type message struct {
		Role        string    `json:"role"`
		Content     string    `json:"content"`
		Interrupted bool      `json:"interrupted"`
		Created     time.Time `json:"created"`
	}
	list := make([]message, 0, len(messages))
	for _, m := range messages {
		list = append(list, message{m.Role, m.Content, m.Interrupted, m.Created})
	}
	return map[string]any{"session": session, "messages": list, "earlier": earlier}, nil
}

func (s sessions) remove(c *call) (any, error) {
	g, err := c.gateway(s.gateways)
	if err != nil {
		return nil, err
	}
	return answerOf(s.actions.DeleteSession(c.ctx(), c.visitor(), g, c.r.PathValue("session")))
}

func (s sessions) prune(c *call) (any, error) {
	g, err := c.gateway(s.gateways)
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
	limits := backend.Limits{OlderThan: b.OlderThan}
	if b.KeepMessages != 0 {
		limits.Messages = strconv.Itoa(b.KeepMessages)
	}
	var gone store.Removed
	if b.DryRun {
		gone, err = backend.Prunable(c.ctx(), g, limits)
	} else {
		var o backend.Outcome
		gone, o = s.actions.PruneSessions(c.ctx(), c.visitor(), g, limits)
		err = o.Err
	}
	return map[string]any{"sessions": gone.Sessions, "messages": gone.Messages, "dry_run": b.DryRun}, err
}

func (s sessions) say(c *call) (any, error) {
	g, err := c.gateway(s.gateways)
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
	if err := backend.Sayable(b.Session, b.Message); err != nil {
		return nil, &callError{http.StatusUnprocessableEntity, "message", err.Error(), ""}
	}
	var text strings.Builder
	if err := s.chat.Ask(c.ctx(), g.Profile, b.Session, b.Message, &backend.Answer{To: &text}); err != nil {
		return nil, &callError{http.StatusBadGateway, "gateway", textOf(err), ""}
	}
	return map[string]any{"session": b.Session, "answer": text.String()}, nil
}
