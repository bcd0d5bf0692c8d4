// Command hermes runs a fleet of AI-agent gateways.
package main

import (
	"context"
	"os"

	"hermes/internal/cli"
)

func main() {
	os.Exit(cli.Run(context.Background(), os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
