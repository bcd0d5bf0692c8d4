package container_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"sync"

	"hermes/test/container/docker"
)

// agent is a testclient in a container that runs commands there as root. It saves time: a docker exec takes a tenth of a second of
// processor time, and a test that waits for something asks many times.
type agent struct {
	in   io.WriteCloser
	dead chan struct{} // closed when the agent has ended

	mu      sync.Mutex
	next    int
	waiting map[int]chan agentReply
}

type agentReply struct {
	ID             int
	Stdout, Stderr []byte
	Code           int
}

var errNoAgent = errors.New("the test client in the container has ended")

// startAgent starts an agent in a container. It ends when the container ends.
func startAgent(container string) (*agent, error) {
	cmd := exec.CommandContext(context.Background(), "docker", "exec", "-i", "-u", "0", container, docker.TestServerPath, "serve")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	a := &agent{in: in, dead: make(chan struct{}), waiting: map[int]chan agentReply{}}
	go func() {
		defer close(a.dead)
		for replies := json.NewDecoder(out); ; {
			var r agentReply
			if replies.Decode(&r) != nil {
				break
			}
			a.mu.Lock()
			a.waiting[r.ID] <- r // the channel has room for one reply
			delete(a.waiting, r.ID)
			a.mu.Unlock()
		}
		_ = cmd.Wait()
	}()
	return a, nil
}

// run runs a command. An error means that the agent has ended, and so most likely the container.
func (a *agent) run(ctx context.Context, input string, args ...string) (docker.Result, error) {
	reply := make(chan agentReply, 1)
	a.mu.Lock()
	a.next++
	id := a.next
	a.waiting[id] = reply
	request, err := json.Marshal(map[string]any{"id": id, "args": args, "input": []byte(input)})
	if err == nil {
		_, err = a.in.Write(append(request, '\n'))
	}
	a.mu.Unlock()
	if err != nil {
		return docker.Result{}, err
	}
	select {
	case r := <-reply:
		return docker.Result{Args: append([]string{"(in the container)"}, args...), Stdout: string(r.Stdout), Stderr: string(r.Stderr), Code: r.Code}, nil
	case <-a.dead:
		return docker.Result{}, errNoAgent
	case <-ctx.Done():
		return docker.Result{}, ctx.Err()
	}
}

func (a *agent) end() {
	a.in.Close()
	<-a.dead
}

// inside runs a command as root through the container's agent. ok is false if there is no agent; then the caller uses `docker exec`,
// which says why.
func (b *box) inside(input string, cmd []string) (r docker.Result, ok bool) {
	b.t.Helper()
	a, err := b.agentOf()
	if err != nil {
		return r, false
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), commandTimeout)
	defer cancel()
	if r, err = a.run(ctx, input, cmd...); ctx.Err() != nil {
		b.t.Fatalf("%v in %s: %v", cmd, b.name, ctx.Err())
	}
	return r, err == nil
}

func (b *box) agentOf() (*agent, error) {
	b.agentMu.Lock()
	defer b.agentMu.Unlock()
	if b.agent != nil {
		select {
		case <-b.agent.dead: // the container has ended, and may have been started again
		default:
			return b.agent, nil
		}
	}
	a, err := startAgent(b.name)
	b.agent = a
	return a, err
}
