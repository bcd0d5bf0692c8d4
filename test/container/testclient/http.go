//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// Line is a line of a response body, with the time at which it arrived, in ms after the request was sent.
type Line struct {
	MS   float64 `json:"ms"`
	Text string  `json:"text"`
}

// Response is the result of one request. The tests decode the same JSON.
type Response struct {
	Status int         `json:"status"` // 0 if there was no response
	Header http.Header `json:"header,omitempty"`
	Lines  []Line      `json:"lines,omitempty"`
	Error  string      `json:"error,omitempty"` // an error of the connection or while the body was read
}

type headerFlags http.Header

func (h headerFlags) String() string { return "" }
func (h headerFlags) Set(s string) error {
	k, v, ok := strings.Cut(s, ":")
	if !ok {
		return errors.New("want Name: value")
	}
	http.Header(h).Add(k, strings.TrimSpace(v))
	return nil
}

// request sends one request, with its body from stdin, and prints a Response.
func request(args []string) error {
	fs := flag.NewFlagSet("http", flag.ExitOnError)
	method := fs.String("method", "GET", "")
	user := fs.String("user", "", "name:password of basic auth")
	timeout := fs.Duration("timeout", 20*time.Second, "")
	header := http.Header{}
	fs.Var(headerFlags(header), "H", "Name: value, repeatable")
	if err := fs.Parse(args); err != nil {
		return err
	}
	var body io.Reader
	if *method != "GET" {
		body = os.Stdin
	}
	req, err := http.NewRequest(*method, fs.Arg(0), body)
	if err != nil {
		return err
	}
	req.Header = header
	if name, password, ok := strings.Cut(*user, ":"); ok {
		req.SetBasicAuth(name, password)
	}
	return printJSON(do(req, *timeout))
}

func do(req *http.Request, timeout time.Duration) Response {
	client := http.Client{Timeout: timeout, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	begin := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return Response{Error: err.Error()}
	}
	defer resp.Body.Close()
	r := Response{Status: resp.StatusCode, Header: resp.Header}
	lines := bufio.NewReader(resp.Body)
	for {
		text, err := lines.ReadString('\n')
		if text != "" {
			ms := float64(time.Since(begin).Microseconds()) / 1000
			r.Lines = append(r.Lines, Line{MS: ms, Text: strings.TrimSuffix(text, "\n")})
		}
		if err == io.EOF {
			return r
		}
		if err != nil {
			r.Error = err.Error()
			return r
		}
	}
}

// listen holds a TCP port until it is told to stop.
func listen(args []string) error {
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	defer l.Close()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
	return nil
}

// model serves an OpenAI-compatible chat API at an address. Its answer is the JSON of the messages in the request, so that a test
// can see what the gateway remembers. After a message "slow" it streams ten words with a pause before each. If a file is named, it
// creates that file at the first request.
func model(args []string) error {
	fs := flag.NewFlagSet("model", flag.ExitOnError)
	pause := fs.Duration("pause", 250*time.Millisecond, "between the words of a slow answer")
	if err := fs.Parse(args); err != nil {
		return err
	}
	mark := fs.Arg(1)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
		if mark != "" {
			if err := os.WriteFile(mark, []byte("asked\n"), 0o600); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
		chat(w, r, *pause)
	})
	// The model must not end before the gateway has drained, because that would hide errors of the drain.
	signal.Ignore(syscall.SIGTERM)
	return http.ListenAndServe(fs.Arg(0), mux)
}

func chat(w http.ResponseWriter, r *http.Request, pause time.Duration) {
	var in struct {
		Messages []json.RawMessage `json:"messages"`
		Stream   bool              `json:"stream"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	all, _ := json.Marshal(in.Messages)
	words := []string{string(all)}
	wait := time.Duration(0)
	if n := len(in.Messages); n > 0 && strings.Contains(string(in.Messages[n-1]), "slow") {
		words, wait = strings.SplitAfter("zero one two three four five six seven eight nine", " "), pause
	}
	if !in.Stream {
		time.Sleep(wait * time.Duration(len(words)))
		writeJSON(w, map[string]any{
			"id": "test", "object": "chat.completion", "created": 1, "model": "test",
			"choices": []any{map[string]any{
				"index": 0, "finish_reason": "stop",
				"message": map[string]any{"role": "assistant", "content": strings.Join(words, "")},
			}},
			"usage": map[string]int{"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
		})
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for _, word := range words {
		time.Sleep(wait)
		writeEvent(w, map[string]any{"role": "assistant", "content": word}, nil)
	}
	writeEvent(w, map[string]any{}, "stop")
	fmt.Fprint(w, "data: [DONE]\n\n")
}

func writeEvent(w http.ResponseWriter, delta map[string]any, finish any) {
	data, _ := json.Marshal(map[string]any{
		"id": "test", "object": "chat.completion.chunk", "created": 1, "model": "test",
		"choices": []any{map[string]any{"index": 0, "delta": delta, "finish_reason": finish}},
	})
	fmt.Fprintf(w, "data: %s\n\n", data)
	w.(http.Flusher).Flush()
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}
