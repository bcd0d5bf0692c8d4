package conversation

import (
	"strings"

	"hermes/internal/model"
	"hermes/internal/store"
)

// answer puts the events of an answer together to a message. The zero answer is ready.
type answer struct {
	parts []model.Part
	// open is the last part, while more may come to it.
	open     strings.Builder
	thinking bool // open is reasoning, not text
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

// end makes a part of what is open.
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

// message returns what came so far.
func (a *answer) message() store.Message {
	a.end()
	return toStore(model.Message{Role: model.Assistant, Parts: a.parts})
}

// thoughtOnly reports whether an answer said and did nothing, so that there is nothing to remember.
func thoughtOnly(m store.Message) bool {
	for _, p := range m.Parts {
		if p.Kind != store.KindReasoning {
			return false
		}
	}
	return m.Content == ""
}
