package dashboard

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hermes/internal/profile"
	"hermes/internal/profile/ports"
	"hermes/internal/store"
)

const (
	// turnWithin is how long an answer may take.
	turnWithin = 10 * time.Minute
	// maxMessage is the longest message that the chat box takes, in bytes.
	maxMessage = 64 << 10
)

// chat shows a conversation with a gateway, a new one unless the address names one.
func (s *site) chat(w http.ResponseWriter, r *http.Request) {
	g, ok := s.shown(w, r)
	if !ok {
		return
	}
	v := chatView{Name: g.Profile.String(), Session: r.URL.Query().Get("session"), Up: g.Up() && g.Ready}
	if !store.ValidSessionID(v.Session) {
		v.Session = "dashboard-" + strings.ToLower(rand.Text()[:10])
	} else {
		ctx, cancel := context.WithTimeout(r.Context(), readWithin)
		defer cancel()
		v.Err = readStore(ctx, g, func(db *store.Reader) (err error) {
			v.Messages, _, err = db.Transcript(ctx, v.Session, 0, messagesPerPage)
			return err
		})
	}
	s.render(w, r, http.StatusOK, chatPage(s.frame(r, v.Name+": chat", "gateways"), v))
}

// stillThere is sent while a model thinks, so that nothing between takes the connection for dead. The page leaves it out.
const stillThere = "\x00"

// say sends a message to a gateway and its answer back, as plain text that grows, with stillThere in it. Without JavaScript
// the conversation is shown when the answer is whole.
func (s *site) say(w http.ResponseWriter, r *http.Request) {
	n, ok := s.named(w, r)
	if !ok {
		return
	}
	session, message := r.FormValue("session"), strings.ReplaceAll(r.FormValue("message"), "\r\n", "\n")
	err := sayable(session, message)
	plain := r.Header.Get("Accept") == "text/plain"
	if err != nil {
		s.notSaid(w, r, plain, n, err)
		return
	}
	out := answer{w: io.Discard}
	if plain {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Accel-Buffering", "no") // nginx
		out = answer{w: flusher{w, http.NewResponseController(w)}, alive: stillThere}
	}
	if err = s.ask(r.Context(), n, session, message, &out); err != nil {
		switch {
		case !plain || !out.begun:
			s.notSaid(w, r, plain, n, err)
		case out.text:
			fmt.Fprintf(out.w, "\n\n✗ %s", logText(err))
		default:
			fmt.Fprintf(out.w, "✗ %s", logText(err))
		}
		return
	}
	if !plain {
		http.Redirect(w, r, profilePath(n)+"/chat?session="+url.QueryEscape(session), http.StatusSeeOther)
	}
}

// sayable checks what somebody wants to say.
func sayable(session, message string) error {
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

func (s *site) notSaid(w http.ResponseWriter, r *http.Request, plain bool, n profile.Name, err error) {
	if plain {
		http.Error(w, logText(err), http.StatusBadGateway)
		return
	}
	s.answer(w, r, outcome{Err: err}, profilePath(n)+"/chat")
}

// logText is an error on lines that anybody may see.
func logText(err error) string { return printableLines(err.Error()) }

// retry asks the last question of a session again, whose answer was broken off.
func (s *site) retry(w http.ResponseWriter, r *http.Request) {
	g, ok := s.shown(w, r)
	if !ok {
		return
	}
	session := r.FormValue("session")
	var broken []store.Broken
	err := readStore(r.Context(), g, func(db *store.Reader) (err error) {
		broken, err = db.Interrupted(r.Context(), 1000)
		return err
	})
	o := outcome{Err: err}
	if err == nil {
		o.Err = errors.New("nothing was broken off in that session, or it was asked again")
		for _, b := range broken {
			if b.Session == session && b.Question != "" {
				o.Err = s.ask(r.Context(), g.Profile, session, b.Question, &answer{w: io.Discard})
				o.Text, o.Next = "asked again, and answered", sessionPath(g.Profile.String(), session)
			}
		}
	}
	s.record(s.visitor(r), "retry", g.Profile.String(), session, o.Err)
	s.answer(w, r, o, profilePath(g.Profile)+"/sessions")
}

// ask sends a message to a gateway's API, with its key, and copies the answer as it comes.
func (s *site) ask(ctx context.Context, n profile.Name, session, message string, out *answer) error {
	ctx, cancel := context.WithTimeout(ctx, turnWithin)
	defer cancel()
	req, err := s.chatRequest(ctx, n, session, message)
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
	if err := out.sign(); err != nil {
		return err
	}
	return copyAnswer(resp.Body, out)
}

func (s *site) chatRequest(ctx context.Context, n profile.Name, session, message string) (*http.Request, error) {
	g, ok := s.fleet.Snapshot().Get(n)
	if !ok {
		return nil, &profile.NotFoundError{Name: n}
	}
	// Whoever listens on the port of a gateway that is down must not get its key.
	if !g.Up() || !g.Ready {
		return nil, fmt.Errorf("gateway '%s' is not running", n)
	}
	api, err := ports.EndpointOf(g.Home, s.o.Getenv)
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

// copyAnswer reads the events of a chat completion and writes their text. A comment is a sign of life.
func copyAnswer(events io.Reader, out *answer) error {
	lines := bufio.NewScanner(events)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), ":") {
			if err := out.sign(); err != nil {
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

// flusher sends what is written at once.
type flusher struct {
	w  io.Writer
	rc *http.ResponseController
}

func (f flusher) Write(p []byte) (int, error) {
	f.rc.SetWriteDeadline(time.Now().Add(writeWithin))
	n, err := f.w.Write(p)
	if err != nil {
		return n, err
	}
	return n, f.rc.Flush()
}

// answer is what a visitor gets of a turn.
type answer struct {
	w     io.Writer
	alive string // what says that the turn goes on
	begun bool   // the turn did, and alive was written
	text  bool   // text was written
}

// sign tells the visitor that the turn goes on.
func (a *answer) sign() error {
	a.begun = true
	_, err := io.WriteString(a.w, a.alive)
	return err
}

// say writes text of the answer.
func (a *answer) say(s string) error {
	if s == "" {
		return nil
	}
	a.text = true
	_, err := io.WriteString(a.w, s)
	return err
}
