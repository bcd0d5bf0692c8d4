//go:build unix

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
)

// starve opens N connections and sends the beginning of a request on each, without its rest. It prints a line and keeps the
// connections open until its standard input ends: starve N ADDRESS TEXT. In TEXT, \r and \n stand for these characters.
func starve(args []string) error {
	if len(args) != 3 {
		return errors.New("want N ADDRESS TEXT")
	}
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	text := strings.NewReplacer(`\r`, "\r", `\n`, "\n").Replace(args[2])
	open, sent := 0, 0
	for range n {
		c, err := net.Dial("tcp", args[1])
		if err != nil {
			continue // the server may refuse connections
		}
		defer c.Close()
		open++
		if _, err := io.WriteString(c, text); err == nil {
			sent++
		}
	}
	fmt.Printf("%d opened, %d sent\n", open, sent)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
