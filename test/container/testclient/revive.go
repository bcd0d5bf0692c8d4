//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// revive kills the default profile's gateway N times and measures how long it takes until URL answers again, with any supervisor.
// Before each kill it stops and starts the gateway, so that earlier failures are forgotten.
func revive(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	// A connection that is made while the old process ends may hang, so give up soon and try again.
	client := http.Client{Timeout: 50 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true}}
	took := make([]float64, 0, n)
	for range n {
		for _, action := range []string{"stop", "start"} {
			if _, err := output("hermes", "gateway", action); err != nil {
				return err
			}
		}
		out, err := output("hermes", "gateway", "status", "--format", "json")
		if err != nil {
			return err
		}
		var status struct {
			PID int `json:"pid"`
		}
		if err := json.Unmarshal([]byte(out), &status); err != nil || status.PID < 2 {
			return fmt.Errorf("%s: %w", out, err)
		}
		time.Sleep(minimumLife)
		begin := time.Now()
		if err := syscall.Kill(status.PID, syscall.SIGKILL); err != nil {
			return err
		}
		for down := false; ; time.Sleep(time.Millisecond) {
			resp, err := client.Get(args[1])
			if err != nil {
				down = true
			} else {
				resp.Body.Close()
			}
			if err == nil && down && resp.StatusCode == http.StatusOK {
				break
			}
			if time.Since(begin) > 30*time.Second {
				return fmt.Errorf("%s does not answer again (was down: %v)", args[1], down)
			}
		}
		took = append(took, milliseconds(time.Since(begin)))
	}
	return printJSON(took)
}
