//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// Request is a command to run, as this process's user and with its environment. The tests encode the same JSON.
type Request struct {
	ID    int      `json:"id"`
	Args  []string `json:"args"`
	Input []byte   `json:"input,omitempty"`
}

// Reply is what it did. Code is 127 if it could not be run.
type Reply struct {
	ID     int    `json:"id"`
	Stdout []byte `json:"stdout"`
	Stderr []byte `json:"stderr"`
	Code   int    `json:"code"`
}

// serve runs the commands that it reads, each beside the others, until its input ends: one docker exec for many questions.
func serve([]string) error {
	replies := json.NewEncoder(os.Stdout)
	var mu sync.Mutex
	requests := json.NewDecoder(os.Stdin)
	for {
		var q Request
		if err := requests.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		go func() {
			r := run(q)
			mu.Lock()
			defer mu.Unlock()
			_ = replies.Encode(r) // nobody is there to be told
		}()
	}
}

func run(q Request) Reply {
	cmd := exec.CommandContext(context.Background(), q.Args[0], q.Args[1:]...)
	cmd.WaitDelay = 100 * time.Millisecond // what it left in the background keeps the pipes
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(q.Input), &stdout, &stderr
	err := cmd.Run()
	r := Reply{ID: q.ID, Code: 127}
	if cmd.ProcessState != nil {
		if r.Code = cmd.ProcessState.ExitCode(); r.Code < 0 {
			r.Code = 137 // by a signal; docker says 128 and its number, and nobody asks which
		}
	} else {
		stderr.WriteString(err.Error())
	}
	r.Stdout, r.Stderr = stdout.Bytes(), stderr.Bytes()
	return r
}
