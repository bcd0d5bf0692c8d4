package docker

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"text/template"
)

// Engine calls the API of the Docker engine. A test that waits for something asks many times, and a docker command costs more
// processor time than the engine's answer.
type Engine struct {
	client *http.Client
}

// NewEngine returns the engine at DOCKER_HOST, which must be a unix socket, or the default engine.
func NewEngine() (*Engine, error) {
	path := "/var/run/docker.sock"
	if host := os.Getenv("DOCKER_HOST"); host != "" {
		var ok bool
		if path, ok = strings.CutPrefix(host, "unix://"); !ok {
			return nil, fmt.Errorf("DOCKER_HOST is %s: the container tests need a unix socket, as in unix:///var/run/docker.sock", host)
		}
	}
	return &Engine{client: &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}}, nil
}

// get requests a path below /containers/, in the version of the API that the engine prefers.
func (e *Engine) get(ctx context.Context, path string) (_ []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://engine/containers/"+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("cannot ask the Docker engine: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s", body)
	}
	if err != nil {
		return nil, fmt.Errorf("the Docker engine, asked for %s: %s: %w", path, resp.Status, err)
	}
	return body, nil
}

// Inspect does the same as `docker inspect -f format container`.
func (e *Engine) Inspect(ctx context.Context, container, format string) (string, error) {
	body, err := e.get(ctx, container+"/json")
	if err != nil {
		return "", err
	}
	toJSON := func(v any) (string, error) {
		text, err := json.Marshal(v)
		return string(text), err
	}
	shape, err := template.New("").Option("missingkey=error").Funcs(template.FuncMap{"json": toJSON}).Parse(format)
	if err != nil {
		return "", err
	}
	var facts map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&facts); err != nil {
		return "", fmt.Errorf("what the Docker engine says of %s: %w", container, err)
	}
	var text strings.Builder
	err = shape.Execute(&text, facts)
	return text.String(), err
}

// Logs does the same as `docker logs container`, for a container without a terminal.
func (e *Engine) Logs(ctx context.Context, container string) (stdout, stderr string, err error) {
	body, err := e.get(ctx, container+"/logs?stdout=1&stderr=1")
	if err != nil {
		return "", "", err
	}
	// Each piece begins with the number of its stream, three zeros, and its length (https://docs.docker.com/reference/api/engine/,
	// ContainerAttach, "Stream format").
	var streams [3]strings.Builder
	for len(body) > 0 {
		if len(body) < 8 || body[0] > 2 || int64(binary.BigEndian.Uint32(body[4:])) > int64(len(body)-8) {
			return "", "", fmt.Errorf("the log of %s has no streams: %.40q", container, body)
		}
		n := 8 + int(binary.BigEndian.Uint32(body[4:]))
		streams[body[0]].Write(body[8:n])
		body = body[n:]
	}
	return streams[0].String() + streams[1].String(), streams[2].String(), nil
}
