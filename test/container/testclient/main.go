//go:build unix

// Testclient runs inside a container under test, which has neither curl nor ps. Every subcommand prints JSON or nothing.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

var commands = map[string]func(args []string) error{
	"ps":       ps,       // the processes
	"self":     self,     // this process: uid, directory, environment, arguments
	"http":     request,  // one HTTP request
	"listen":   listen,   // hold a TCP port
	"model":    model,    // an OpenAI-compatible server whose answer is the messages that it got
	"writable": writable, // which files below some directories this user may write
	"pss":      pss,      // memory of processes
	"times":    times,    // run a command N times
	"ready":    ready,    // kill a service N times and time each recovery
	"revive":   revive,   // the same, for any supervisor
	"ask":      ask,      // a GET over a Unix socket
	"connect":  connect,  // connect stdin and stdout with a TCP connection
	"streams":  streams,  // open many event streams at once
	"load":     load,     // request a page from many clients at once
	"delay":    delay,    // time from kill -9 to the dashboard's event
	"exchange": exchange, // swap names for ever
	"starve":   starve,   // open connections whose requests never arrive
	"serve":    serve,    // run the commands that it reads
}

func main() {
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "testclient: want a subcommand, see main.go")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "testclient:", err)
		os.Exit(1)
	}
}

func printJSON(v any) error {
	return json.NewEncoder(os.Stdout).Encode(v)
}
