package model

import "strings"

// Role says who wrote a message.
type Role string

// The roles in a history. The system text is not in the history: see Request.System.
const (
	User      Role = "user"
	Assistant Role = "assistant"
)

// Message is one entry of a history.
//
// The result of a tool is a part of the answer that called the tool, so that a call and its result are stored, cut and sent
// together. A provider whose wire format has results as separate messages splits the answer.
type Message struct {
	Role  Role
	Parts []Part
}

// TextMessage returns a message that is one text.
func TextMessage(r Role, text string) Message { return Message{r, []Part{Text(text)}} }

// Text returns the texts of a message, one after the other.
func (m Message) Text() string {
	if len(m.Parts) == 1 {
		text, _ := m.Parts[0].(Text)
		return string(text)
	}
	var b strings.Builder
	for _, p := range m.Parts {
		if text, ok := p.(Text); ok {
			b.WriteString(string(text))
		}
	}
	return b.String()
}

// Empty reports whether a message has no parts, or only empty texts.
func (m Message) Empty() bool {
	for _, p := range m.Parts {
		if p != Part(Text("")) {
			return false
		}
	}
	return true
}

// Part is a piece of a message: Text, *Image, ToolCall, ToolResult or Reasoning.
type Part interface{ part() }

// Text is text that a person reads.
type Text string

// Image is a picture.
type Image struct {
	MediaType string // such as image/png
	Data      []byte
}

// ToolCall is a model's request to run a tool. It is also an event, since a provider emits a call only when it is complete.
type ToolCall struct {
	ID    string // given by the provider; the result has the same
	Name  string // the tool's name
	Input string // JSON
}

// ToolResult is what a tool returned for a ToolCall.
type ToolResult struct {
	ID     string // the ID of the call
	Output string
	Failed bool // the tool failed; Output says why
}

// Reasoning is what a model thought before it answered or called a tool.
type Reasoning struct{ Text string }

func (Text) part()       {}
func (*Image) part()     {}
func (ToolCall) part()   {}
func (ToolResult) part() {}
func (Reasoning) part()  {}
