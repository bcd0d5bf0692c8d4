package model

// Event is a piece of an answer that arrives: TextDelta, ReasoningDelta, ToolCall or Restart.
type Event interface{ event() }

// TextDelta is more text. A provider never takes text back.
type TextDelta string

// ReasoningDelta is more of the model's reasoning.
type ReasoningDelta string

// Restart says that the provider is asked again and the answer begins anew: the reasoning so far does not count. Only ReasoningDelta
// events can come before it.
type Restart struct{}

func (TextDelta) event()      {}
func (ReasoningDelta) event() {}
func (ToolCall) event()       {}
func (Restart) event()        {}
