// Package api is the dashboard's JSON API, below /api/v1: what the pages show and do, for programs. openapi.yaml describes it.
package api
