package conversation

import (
	"reflect"
	"strings"

	"hermes/internal/model"
	"hermes/internal/store"
)

// question joins the user's messages after the last answer into one message, which has the request's origin.
func (r Request) question() store.Message {
	from := len(r.Messages)
	for from > 0 && r.Messages[from-1].Role == model.User {
		from--
	}
	m := model.Message{Role: model.User}
	if merged := merge(r.Messages[from:]); len(merged) > 0 {
		m = merged[0]
	}
	s := toStore(m)
	s.Origin = store.Origin(r.Origin)
	return s
}

// repeated reports whether the session already ends with this question, unanswered: then a client is trying again after a
// failure. Two messages with different keys are two questions, even with the same text.
func repeated(stored []store.Message, question store.Message) bool {
	if len(stored) == 0 {
		return false
	}
	last := stored[len(stored)-1]
	return last.Role == string(model.User) && last.Content == question.Content && last.Origin.Key == question.Origin.Key &&
		reflect.DeepEqual(last.Parts, question.Parts)
}

// toStore converts a message for the store. A message that is one text gets no parts.
func toStore(m model.Message) store.Message {
	s := store.Message{Role: string(m.Role), Content: m.Text()}
	if len(m.Parts) == 1 && s.Content != "" {
		return s
	}
	for _, p := range m.Parts {
		switch p := p.(type) {
		case model.Text:
			s.Parts = append(s.Parts, store.Part{Kind: store.KindText, Text: string(p)})
		case *model.Image:
			s.Parts = append(s.Parts, store.Part{Kind: store.KindImage, MediaType: p.MediaType, Data: p.Data})
		case model.ToolCall:
			s.Parts = append(s.Parts, store.Part{Kind: store.KindToolCall, Call: p.ID, Tool: p.Name, Text: p.Input})
		case model.ToolResult:
			s.Parts = append(s.Parts, store.Part{Kind: store.KindToolResult, Call: p.ID, Text: p.Output, Failed: p.Failed})
		case model.Reasoning:
			s.Parts = append(s.Parts, store.Part{Kind: store.KindReasoning, Text: p.Text})
		}
	}
	return s
}

func fromStore(s store.Message) model.Message {
	if len(s.Parts) == 0 {
		return model.TextMessage(model.Role(s.Role), s.Content)
	}
	m := model.Message{Role: model.Role(s.Role)}
	for _, p := range s.Parts {
		switch p.Kind {
		case store.KindText:
			m.Parts = append(m.Parts, model.Text(p.Text))
		case store.KindImage:
			m.Parts = append(m.Parts, &model.Image{MediaType: p.MediaType, Data: p.Data})
		case store.KindToolCall:
			m.Parts = append(m.Parts, model.ToolCall{ID: p.Call, Name: p.Tool, Input: p.Text})
		case store.KindToolResult:
			m.Parts = append(m.Parts, model.ToolResult{ID: p.Call, Output: p.Text, Failed: p.Failed})
		case store.KindReasoning:
			m.Parts = append(m.Parts, model.Reasoning{Text: p.Text})
		}
	}
	return m
}

func history(stored []store.Message) []model.Message {
	msgs := make([]model.Message, len(stored))
	for i, m := range stored {
		msgs[i] = fromStore(m)
	}
	return msgs
}

// merge makes a history that every model accepts: it begins with the user, the roles alternate, and no message is empty. A
// question that was never answered is joined with the next one; texts that follow each other become one text.
func merge(msgs []model.Message) []model.Message {
	out := make([]model.Message, 0, len(msgs))
	var texts []string // texts to be added to the last message; they are joined once, since there may be very many
	end := func() {
		if len(texts) > 0 {
			last := &out[len(out)-1]
			last.Parts = append(last.Parts, model.Text(strings.Join(texts, "\n\n")))
			texts = texts[:0]
		}
	}
	for _, m := range msgs {
		n := len(out)
		if m.Empty() || n == 0 && m.Role == model.Assistant {
			continue
		}
		if n == 0 || out[n-1].Role != m.Role {
			end()
			out = append(out, model.Message{Role: m.Role})
		}
		for i, p := range m.Parts {
			text, isText := p.(model.Text)
			if !isText || i > 0 { // the texts within one message stay separate
				end()
			}
			if !isText {
				last := &out[len(out)-1]
				last.Parts = append(last.Parts, p)
			} else if text != "" {
				texts = append(texts, string(text))
			}
		}
	}
	end()
	return out
}
