//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func authorized(url, credentials string) (*http.Request, error) {
	req, err := http.NewRequest(http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	user, password, _ := strings.Cut(credentials, ":")
	req.SetBasicAuth(user, password)
	return req, nil
}

// load requests a page from several clients at once, and prints how long each answer took, in ms: load CLIENTS REQUESTS URL
// USER:PASSWORD.
func load(args []string) error {
	clients, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	requests, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	took := make([]float64, requests)
	var next atomic.Int64
	var failed atomic.Value
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= requests {
					return
				}
				req, err := authorized(args[2], args[3])
				if err != nil {
					failed.Store(err)
					return
				}
				begin := time.Now()
				resp, err := client.Do(req)
				if err == nil {
					_, err = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
				if err == nil && resp.StatusCode != http.StatusOK {
					err = errors.New(resp.Status)
				}
				if err != nil {
					failed.Store(err)
					return
				}
				took[i] = milliseconds(time.Since(begin))
			}
		})
	}
	wg.Wait()
	if err, ok := failed.Load().(error); ok {
		return err
	}
	return printJSON(took)
}

// delay kills a gateway N times and prints how long it took each time until an event of the dashboard's stream said so, in ms: delay
// N ADDRESS USER:PASSWORD PROFILE.
func delay(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	req, err := authorized("http://"+args[1]+"/api/v1/events", args[2])
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	type event struct {
		Profile string
		PID     int
		Ready   bool
	}
	events := make(chan event, 1024)
	go func() {
		defer close(events)
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			var e event
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && json.Unmarshal([]byte(data), &e) == nil && e.Profile == args[3] {
				events <- e
			}
		}
	}()
	until := func(ok func(event) bool) (event, error) {
		for {
			select {
			case e, open := <-events:
				if !open {
					return e, fmt.Errorf("the stream ended: %s", resp.Status)
				}
				if ok(e) {
					return e, nil
				}
			case <-time.After(time.Minute):
				return event{}, errors.New("no such event within a minute")
			}
		}
	}
	took := make([]float64, 0, n)
	for range n {
		now, err := until(func(e event) bool { return e.Ready })
		if err != nil {
			return err
		}
		time.Sleep(minimumLife) // so that s6 restarts it at once
		begin := time.Now()
		if err := syscall.Kill(now.PID, syscall.SIGKILL); err != nil {
			return fmt.Errorf("kill %d: %w", now.PID, err)
		}
		e, err := until(func(e event) bool { return e.PID != now.PID })
		if err != nil {
			return err
		}
		took = append(took, milliseconds(time.Since(begin)))
		if e.Ready {
			events <- e
		}
	}
	return printJSON(took)
}
