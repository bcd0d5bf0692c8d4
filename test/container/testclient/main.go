//go:build unix

// Testclient runs inside a container under test, where there is neither curl nor ps.
// Every subcommand prints JSON, or nothing.
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
	"model":    model,    // an OpenAI-compatible server that answers with what it was asked
	"writable": writable, // what this user may write, of everything below some directories
	"pss":      pss,      // memory of processes
	"times":    times,    // run a command N times
	"ready":    ready,    // kill a service N times and time its way back
	"revive":   revive,   // the same, whoever supervises
	"ask":      ask,      // a GET over a Unix socket
	"connect":  connect,  // stdin and stdout of a TCP connection
	"streams":  streams,  // many streams of events at once
	"load":     load,     // a page, asked for by many at once
	"delay":    delay,    // from kill -9 to the dashboard's event
	"exchange": exchange, // swap names for ever
	"starve":   starve,   // connections whose requests never arrive
	"serve":    serve,    // the commands that it is sent
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
