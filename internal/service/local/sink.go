package local

import (
	"bytes"
	"os"
	"sync"
	"time"

	"hermes/internal/logs"
	"hermes/internal/service"
	"hermes/internal/volume"
)

// maxLine is the length at which a line is split, half of that of s6-log, because each service has a buffer of this size.
const maxLine = 4 << 10

// sinkGrace is how long a log is read after its service is gone. Processes that the service left behind may hold the pipe for ever.
const sinkGrace = 250 * time.Millisecond

// sink writes the output of all runs of one service to the service's log directory.
type sink struct {
	s      *Supervisor
	id     service.ID
	prefix []byte

	mu   sync.Mutex // guards file
	file *logs.Writer
	r, w *os.File
	done chan struct{} // closed when the pipe was read to its end
}

func newSink(s *Supervisor, id service.ID) *sink {
	return &sink{s: s, id: id, prefix: []byte("[" + service.LogLabel(id) + "] "),
		file: logs.NewWriter(volume.At(s.o.Home).Sub(service.LogDir(id)))}
}

// pipe returns the pipe's end to which a process writes. The first run creates the pipe.
func (k *sink) pipe() (*os.File, error) {
	if k.w != nil {
		return k.w, nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	k.r, k.w, k.done = r, w, make(chan struct{})
	go k.read()
	return w, nil
}

// read reads lines until the end of the pipe.
func (k *sink) read() {
	defer close(k.done)
	buf := make([]byte, 0, maxLine)
	for {
		n, err := k.r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		rest := buf
		for {
			line, after, found := bytes.Cut(rest, []byte{'\n'})
			if !found {
				break
			}
			k.line(line)
			rest = after
		}
		if len(rest) == cap(buf) || err != nil && len(rest) > 0 {
			k.line(rest)
			rest = nil
		}
		buf = buf[:copy(buf[:cap(buf)], rest)]
		if err != nil {
			return
		}
	}
}

// line writes one line. A failure to write does not stop anything.
func (k *sink) line(text []byte) {
	if len(text) == 0 {
		return
	}
	k.mu.Lock()
	err := k.file.Line(text)
	k.mu.Unlock()
	if err != nil {
		k.s.o.Log.Warn(err.Error(), "service", k.id.String())
	}
	if k.s.o.Copy != nil {
		k.s.copy.Lock()
		_, _ = k.s.o.Copy.Write(append(append(append(make([]byte, 0, len(k.prefix)+len(text)+1), k.prefix...), text...), '\n'))
		k.s.copy.Unlock()
	}
}

// close reads the rest for up to sinkGrace, and closes the file.
func (k *sink) close() {
	if k.w != nil {
		k.w.Close()
		select {
		case <-k.done:
		case <-time.After(sinkGrace):
		}
		k.r.Close()
		<-k.done
	}
	k.mu.Lock()
	k.file.Close()
	k.mu.Unlock()
}
