// Package apiserver is the channel that speaks OpenAI's chat completions over HTTP.
//
// Routes: POST /v1/chat/completions, GET /v1/models (both want the profile's key),
// GET /health and GET /ready.
package apiserver
