package echo

import (
	"strings"
	"testing"

	"hermes/internal/model"
)

func stream(t *testing.T, msgs ...model.Message) (string, int) {
	t.Helper()
	var b strings.Builder
	n := 0
	_, err := New("/h/config.yaml", "/h/.env").Stream(t.Context(), model.Request{Messages: msgs}, func(e model.Event) error {
		n++
		b.WriteString(string(e.(model.TextDelta)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), n
}

func TestExplainsItselfOnceAndEchoesWordByWord(t *testing.T) {
	text, _ := stream(t, model.TextMessage(model.User, "hello  big\nworld"))
	for _, want := range []string{"No model is configured", "/h/config.yaml", "/h/.env", "base_url", "OPENAI_API_KEY"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %q", want, text)
		}
	}
	if !strings.HasSuffix(text, "\n\nhello  big\nworld") {
		t.Errorf("%q", text)
	}
	text, n := stream(t, model.TextMessage(model.User, "a"), model.TextMessage(model.Assistant, "b"), model.TextMessage(model.User, "hello  big\nworld"))
	if text != "hello  big\nworld" || n != 3 {
		t.Errorf("%q in %d pieces", text, n)
	}
}
