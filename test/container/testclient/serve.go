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

// Request is a command to run, as this process's user and with this process's environment. The tests encode the same JSON.
type Request struct {
	ID    int      `json:"id"`
	Args  []string `json:"args"`
	Input []byte   `json:"input,omitempty"`
}

// Reply is the result of the command. Code is 127 if the command could not be run.
type Reply struct {
	ID     int    `json:"id"`
	Stdout []byte `json:"stdout"`
	Stderr []byte `json:"stderr"`
	Code   int    `json:"code"`
}

// serve runs the commands that it reads, concurrently, until its input ends. So one docker exec is enough for many commands.
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
			_ = replies.Encode(r) // an error means that nobody reads the replies any more
		}()
	}
}

func run(q Request) Reply {
	r := Reply{ID: q.ID, Code: 127}
	// Use files instead of pipes. Background processes of the command would keep a pipe open, and with a file all output of the
	// command itself is there when the command has ended.
	stdout, err := memoryFile("stdout")
	if err != nil {
		r.Stderr = []byte(err.Error())
		return r
	}
	defer stdout.Close()
	stderr, err := memoryFile("stderr")
	if err != nil {
		r.Stderr = []byte(err.Error())
		return r
	}
	defer stderr.Close()
	cmd := exec.CommandContext(context.Background(), q.Args[0], q.Args[1:]...)
	cmd.WaitDelay = 100 * time.Millisecond // for input that the command did not read
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(q.Input), stdout, stderr
	failed := cmd.Run()
	if cmd.ProcessState == nil {
		r.Stderr = []byte(failed.Error())
		return r
	}
	r.Code = cmd.ProcessState.ExitCode()
	if r.Code < 0 {
		r.Code = 137 // a signal ended it; docker returns 128 plus the signal's number, but the tests do not need the number
	}
	if r.Stdout, err = readFromStart(stdout); err == nil {
		r.Stderr, err = readFromStart(stderr)
	}
	if err != nil {
		r.Code, r.Stderr = 127, []byte(err.Error())
	}
	return r
}

func readFromStart(f *os.File) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	// Do not read on from the file's position, because background processes of the command share it.
	return io.ReadAll(io.NewSectionReader(f, 0, info.Size()))
}
