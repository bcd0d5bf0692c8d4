//go:build unix

package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// ask sends a GET over a Unix socket and prints the body.
func ask(args []string) error {
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", args[0])
	}}}
	resp, err := client.Get("http://socket" + args[1])
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(os.Stdout, resp.Body)
	return err
}
