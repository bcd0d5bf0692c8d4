package conversation

import (
	"strings"

	"hermes/internal/model"
	"hermes/internal/store"
)

// answer builds a message from the events of an answer. The zero value is ready to use.
type answer struct {
	parts []model.Part
	// open is the text of the last part while more may be added to it.
	open     strings.Builder
	thinking bool // open holds reasoning, not text
}

func (a *answer) add(e model.Event) {
	switch e := e.(type) {
	case model.TextDelta:
		a.write(false, string(e))
	case model.ReasoningDelta:
		a.write(true, string(e))
	case model.ToolCall:
		a.end()
		a.parts = append(a.parts, e)
	case model.Restart:
		*a = answer{}
	}
}

func (a *answer) write(thinking bool, delta string) {
	if thinking != a.thinking {
		a.end()
		a.thinking = thinking
	}
	a.open.WriteString(delta)
}

// end adds what is in open to the parts.
func (a *answer) end() {
	switch {
	case a.open.Len() == 0:
	case a.thinking:
		a.parts = append(a.parts, model.Reasoning{Text: a.open.String()})
	default:
		a.parts = append(a.parts, model.Text(a.open.String()))
	}
	a.open.Reset()
}

// message returns the answer as far as it has come.
func (a *answer) message() store.Message {
	a.end()
	return toStore(model.Message{Role: model.Assistant, Parts: a.parts})
}

// thoughtOnly reports whether an answer has nothing but reasoning. Such an answer is not stored.
func thoughtOnly(m store.Message) bool {
	for _, p := range m.Parts {
		if p.Kind != store.KindReasoning {
			return false
		}
	}
	return m.Content == ""
}
