package model

import "strings"

// Role says who wrote a message.
type Role string

// The roles of a history. System text is not part of it: see Request.System.
const (
	User      Role = "user"
	Assistant Role = "assistant"
)

// Message is one entry of a history.
//
// The result of a tool is a part of the answer that called it, so that a call and its result are stored, cut and sent together. A
// provider whose wire format has them in messages of their own splits the answer.
type Message struct {
	Role  Role
	Parts []Part
}

// TextMessage returns a message that is one text.
func TextMessage(r Role, text string) Message { return Message{r, []Part{Text(text)}} }

// Text returns the words of a message: its texts, one after the other.
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

// Empty reports whether a message says nothing: it has no parts but empty texts.
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

// Text is words that somebody reads.
type Text string

// Image is a picture.
type Image struct {
	MediaType string // such as image/png
	Data      []byte
}

// ToolCall is a model's wish that a tool does something. It is also an event: a call comes whole.
type ToolCall struct {
	ID    string // the provider's; the result has it too
	Name  string // the tool's
	Input string // JSON
}

// ToolResult is what became of a ToolCall.
type ToolResult struct {
	ID     string // the call's
	Output string
	Failed bool // Output says why
}

// Reasoning is what a model thought before it said or did something.
type Reasoning struct{ Text string }

func (Text) part()       {}
func (*Image) part()     {}
func (ToolCall) part()   {}
func (ToolResult) part() {}
func (Reasoning) part()  {}
