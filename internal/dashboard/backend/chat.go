package backend

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"hermes/internal/fleet"
	"hermes/internal/profile"
	"hermes/internal/profile/ports"
	"hermes/internal/store"
)

const (
	// turnWithin is how long an answer may take.
	turnWithin = 10 * time.Minute
	// maxMessage is the longest message that a gateway is asked, in bytes.
	maxMessage = 64 << 10
	// brokenSearched is among how many answers that were broken off Retry looks for a session's.
	brokenSearched = 1000
)

// Chat asks gateways as their own API's clients do.
type Chat struct {
	fleet  *fleet.Fleet
	getenv func(string) string
}

// Sayable checks a session's name and a message before they are sent to a gateway.
func Sayable(session, message string) error {
	switch {
	case !store.ValidSessionID(session):
		return errors.New("that is no session: want 1 to 128 printable characters without spaces")
	case strings.TrimSpace(message) == "":
		return errors.New("say something")
	case len(message) > maxMessage:
		return fmt.Errorf("the message is too long: at most %d kB", maxMessage>>10)
	}
	return nil
}

// Answer takes what a gateway answers, as it comes.
type Answer struct {
	To    io.Writer
	Alive string // what is written when the gateway says that the turn goes on
	Begun bool   // the turn has begun, and Alive was written
	Text  bool   // text was written
}

// goesOn writes that the turn goes on.
func (a *Answer) goesOn() error {
	a.Begun = true
	_, err := io.WriteString(a.To, a.Alive)
	return err
}

// say writes a piece of the answer.
func (a *Answer) say(s string) error {
	if s == "" {
		return nil
	}
	a.Text = true
	_, err := io.WriteString(a.To, s)
	return err
}

// Retry asks the last question of a session again, whose answer was broken off. asked tells whether there was such a question.
func (c Chat) Retry(ctx context.Context, g *fleet.Gateway, session string) (asked bool, err error) {
	var broken []store.Broken
	err = read(ctx, g, func(db *store.Reader) (err error) {
		broken, err = db.Interrupted(ctx, brokenSearched)
		return err
	})
	if err != nil {
		return false, err
	}
	err = errors.New("nothing was broken off in that session, or it was asked again")
	for _, b := range broken {
		if b.Session == session && b.Question != "" {
			asked, err = true, c.Ask(ctx, g.Profile, session, b.Question, &Answer{To: io.Discard})
		}
	}
	return asked, err
}

// Ask sends a message to a gateway's API, with the gateway's key, and writes the answer as it comes.
func (c Chat) Ask(ctx context.Context, n profile.Name, session, message string, out *Answer) error {
	ctx, cancel := context.WithTimeout(ctx, turnWithin)
	defer cancel()
	req, err := c.request(ctx, n, session, message)
	if err != nil {
		return err
	}
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, Proxy: nil},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op
		}
		return fmt.Errorf("gateway '%s' does not answer: %w", n, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		var refused struct {
			Error struct{ Message string }
		}
		if json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&refused) != nil || refused.Error.Message == "" {
			refused.Error.Message = resp.Status
		}
		return fmt.Errorf("gateway '%s' refused: %s", n, refused.Error.Message)
	}
	if err := out.goesOn(); err != nil {
		return err
	}
	return copyAnswer(resp.Body, out)
}

func (c Chat) request(ctx context.Context, n profile.Name, session, message string) (*http.Request, error) {
	g, ok := c.fleet.Snapshot().Get(n)
	if !ok {
		return nil, &profile.NotFoundError{Name: n}
	}
	// If the gateway is down, another process may listen on its port, and must not get its key.
	if !g.Up() || !g.Ready {
		return nil, fmt.Errorf("gateway '%s' is not running", n)
	}
	api, err := ports.EndpointOf(g.Home, c.getenv)
	if err != nil {
		return nil, err
	}
	api.Port = g.Port
	body, err := json.Marshal(map[string]any{"model": n.String(), "stream": true, "messages": []map[string]string{{"role": "user", "content": message}}})
	if err != nil {
		return nil, err
	}
	address := "http://" + api.Dial() + "/v1/chat/completions"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+api.Key)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Hermes-Session", session)
	return req, nil
}

// copyAnswer reads the events of a chat completion and writes their text. A comment among them says that the turn goes on.
func copyAnswer(events io.Reader, out *Answer) error {
	lines := bufio.NewScanner(events)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), ":") {
			if err := out.goesOn(); err != nil {
				return err
			}
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if data == "[DONE]" {
			return nil
		}
		var chunk struct {
			Error   *struct{ Message string }
			Choices []struct{ Delta struct{ Content string } }
		}
		if err := json.Unmarshal([]byte(data), &chunk); err != nil {
			return fmt.Errorf("the answer cannot be read: %w", err)
		}
		if chunk.Error != nil {
			return errors.New(chunk.Error.Message)
		}
		for _, c := range chunk.Choices {
			if err := out.say(c.Delta.Content); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("the answer broke off: %w", err)
	}
	return errors.New("the answer broke off")
}
