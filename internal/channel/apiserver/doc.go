// Package apiserver is the channel that speaks OpenAI's chat completions over HTTP.
//
// Routes: POST /v1/chat/completions, GET /v1/models (both want the profile's key),
// GET /health and GET /ready.
package apiserver

// Name is the channel's name, in gateway_state.json and as the origin of its messages.
const Name = "api_server"
