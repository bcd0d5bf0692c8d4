package apiserver

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hermes/internal/conversation"
	"hermes/internal/model"
)

// typedTurns is a Turner that answers every turn with the same events.
type typedTurns struct {
	events []model.Event
	asked  conversation.Request
}

func (f *typedTurns) Turn(_ context.Context, r conversation.Request, emit func(model.Event) error) (model.Result, error) {
	f.asked = r
	for _, e := range f.events {
		if err := emit(e); err != nil {
			return model.Result{}, err
		}
	}
	return model.Result{Finish: model.FinishToolCalls}, nil
}

func TestClientsGetWordsOnlyAndTheTurnHasItsOrigin(t *testing.T) {
	turns := &typedTurns{events: []model.Event{model.ReasoningDelta("canary"), model.Restart{}, model.TextDelta("Hel"), model.ToolCall{ID: "canary"}, model.TextDelta("lo")}}
	s := New(t.Context(), Options{Key: key, Model: "m1", Turns: turns, Log: slog.New(slog.DiscardHandler)})
	s.SetReasons()
	for body, want := range map[string]string{
		ask + "}":               `"content":"Hello"`,
		ask + `,"stream":true}`: `"delta":{"content":"lo"}`,
	} {
		r := httptest.NewRequest(http.MethodPost, chatPath, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+key)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if got := w.Body.String(); w.Code != 200 || !strings.Contains(got, want) || !strings.Contains(got, `"finish_reason":"stop"`) || strings.Contains(got, "canary") || strings.Contains(got, "tool") {
			t.Errorf("%d %s", w.Code, got)
		}
		if turns.asked.Origin != (conversation.Origin{Channel: Name}) {
			t.Errorf("%+v", turns.asked.Origin)
		}
	}
}
