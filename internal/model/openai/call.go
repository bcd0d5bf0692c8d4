package openai

import (
	"errors"
	"strings"

	"charm.land/fantasy"

	"hermes/internal/model"
)

func newCall(r model.Request) fantasy.Call {
	prompt := make(fantasy.Prompt, 0, len(r.Messages)+1)
	if r.System != "" {
		prompt = append(prompt, fantasy.NewSystemMessage(r.System))
	}
	for _, m := range r.Messages {
		if m.Role == model.Assistant {
			prompt = appendAnswer(prompt, m.Parts)
		} else {
			prompt = appendQuestion(prompt, m.Parts)
		}
	}
	return fantasy.Call{
		Prompt: prompt, MaxOutputTokens: r.Params.MaxTokens, Temperature: r.Params.Temperature, TopP: r.Params.TopP,
		PresencePenalty: r.Params.PresencePenalty, FrequencyPenalty: r.Params.FrequencyPenalty,
	}
}

// appendQuestion adds a user's message, which has only texts and images.
func appendQuestion(prompt fantasy.Prompt, parts []model.Part) fantasy.Prompt {
	content := make([]fantasy.MessagePart, 0, len(parts))
	for _, p := range parts {
		switch p := p.(type) {
		case model.Text:
			content = append(content, fantasy.TextPart{Text: string(p)})
		case *model.Image:
			content = append(content, fantasy.FilePart{MediaType: p.MediaType, Data: p.Data})
		}
	}
	return append(prompt, fantasy.Message{Role: fantasy.MessageRoleUser, Content: content})
}

// appendAnswer adds an answer. In OpenAI's format an assistant's message has one text, one reasoning and the calls of tools; the
// results of these calls follow as separate messages. So the parts of the answer that come after results go into another message.
func appendAnswer(prompt fantasy.Prompt, parts []model.Part) fantasy.Prompt {
	var text, reasoning strings.Builder
	var calls []fantasy.MessagePart
	end := func() {
		var content []fantasy.MessagePart
		if reasoning.Len() > 0 {
			content = append(content, fantasy.ReasoningPart{Text: reasoning.String()})
		}
		if text.Len() > 0 {
			content = append(content, fantasy.TextPart{Text: text.String()})
		}
		if content = append(content, calls...); len(content) > 0 {
			prompt = append(prompt, fantasy.Message{Role: fantasy.MessageRoleAssistant, Content: content})
		}
		text.Reset()
		reasoning.Reset()
		calls = nil
	}
	for _, p := range parts {
		switch p := p.(type) {
		case model.Text:
			text.WriteString(string(p))
		case model.Reasoning:
			reasoning.WriteString(p.Text)
		case model.ToolCall:
			calls = append(calls, fantasy.ToolCallPart{ToolCallID: p.ID, ToolName: p.Name, Input: p.Input})
		case model.ToolResult:
			end()
			result := fantasy.ToolResultPart{ToolCallID: p.ID, Output: fantasy.ToolResultOutputContentText{Text: p.Output}}
			if p.Failed {
				result.Output = fantasy.ToolResultOutputContentError{Error: errors.New(p.Output)}
			}
			prompt = append(prompt, fantasy.Message{Role: fantasy.MessageRoleTool, Content: []fantasy.MessagePart{result}})
		}
	}
	end()
	return prompt
}
