//go:build unix

package main

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// connect connects stdin and stdout with a TCP connection, so that a browser on the host reaches a server in the container.
func connect(args []string) error {
	if len(args) != 1 {
		return errors.New("want ADDRESS")
	}
	conn, err := net.Dial("tcp", args[0])
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(conn, os.Stdin)
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	_, err = io.Copy(os.Stdout, conn)
	return err
}

// streams opens event streams, runs a command when each has had its first event, and prints how many of them then get an event that
// contains a text: streams N ADDRESS PATH USER:PASSWORD TEXT COMMAND...
func streams(args []string) error {
	if len(args) < 6 {
		return errors.New("want N ADDRESS PATH USER:PASSWORD TEXT COMMAND")
	}
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	request := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic %s\r\nAccept: text/event-stream\r\n\r\n",
		args[2], args[1], base64.StdEncoding.EncodeToString([]byte(args[3])))
	conns := make([]*bufio.Reader, n)
	for i := range conns {
		conn, err := net.Dial("tcp", args[1])
		if err != nil {
			return err
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			return err
		}
		if _, err := io.WriteString(conn, request); err != nil {
			return err
		}
		conns[i] = bufio.NewReaderSize(conn, 256)
	}
	// until reads each stream up to its next event that contains a text, and returns how many streams had one.
	until := func(text string) int {
		var wg sync.WaitGroup
		got := make([]bool, n)
		for i, c := range conns {
			wg.Go(func() {
				for {
					line, err := c.ReadString('\n')
					if err != nil {
						return
					}
					if strings.HasPrefix(line, "data:") && strings.Contains(line, text) {
						got[i] = true
						return
					}
				}
			})
		}
		wg.Wait()
		count := 0
		for _, g := range got {
			if g {
				count++
			}
		}
		return count
	}
	first := until("")
	if out, err := exec.Command(args[5], args[6:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return printJSON(map[string]int{"first": first, "second": until(args[4])})
}
