package model

// Event is a piece of an answer as it comes: TextDelta, ReasoningDelta, ToolCall or Restart.
type Event interface{ event() }

// TextDelta is more text. A provider never takes it back.
type TextDelta string

// ReasoningDelta is more of what the model thinks.
type ReasoningDelta string

// Restart says that the answer begins anew, because the provider is asked again: what the model thought so far is void.
// Nothing comes before it but ReasoningDelta.
type Restart struct{}

func (TextDelta) event()      {}
func (ReasoningDelta) event() {}
func (ToolCall) event()       {}
func (Restart) event()        {}
