package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"hermes/internal/dashboard/access"
	"hermes/internal/dashboard/backend"
	"hermes/internal/fleet"
	"hermes/internal/profile"
)

// call is one request to the API.
type call struct{ r *http.Request }

func (c *call) ctx() context.Context { return c.r.Context() }

// visitor returns who sent the request.
func (c *call) visitor() access.Visitor { return access.VisitorOf(c.r.Context()) }

// body reads the request's JSON: one object, with known fields only.
func (c *call) body(to any) error {
	refuse := func(code int, kind, text string) error { return &callError{code, kind, text, ""} }
	if kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return refuse(http.StatusUnsupportedMediaType, "media_type", "send application/json")
	}
	d := json.NewDecoder(c.r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return refuse(http.StatusBadRequest, "body", "the body is not what this operation takes: "+strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return refuse(http.StatusBadRequest, "body", "the body holds more than one value")
	}
	return nil
}

// name returns the profile of the path.
func (c *call) name() (profile.Name, error) { return profile.ParseName(c.r.PathValue("name")) }

// gateway returns the gateway of the path's profile.
func (c *call) gateway(gateways backend.Gateways) (*fleet.Gateway, error) {
	n, err := c.name()
	if err != nil {
		return nil, err
	}
	return gateways.Find(n)
}
