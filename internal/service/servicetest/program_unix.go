//go:build unix

package servicetest

import (
	"bytes"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hermes/internal/service"
)

// Main is to be called by TestMain. Under the name hermes, the test binary is the program that a manager supervises, and behaves as
// Rig.Behave told it. finish does what `hermes gateway finish` does with its arguments, and returns the exit code.
func Main(m *testing.M, finish func(args []string) int) {
	if filepath.Base(os.Args[0]) != "hermes" {
		// These tests mostly wait, so run more of them at a time than the default, which is one for each processor.
		flag.Parse()
		if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
			_ = f.Value.Set("8")
		}
		os.Exit(m.Run())
	}
	args := strings.Join(os.Args[1:], " ")
	if rest, ok := strings.CutPrefix(args, "gateway finish "); ok {
		os.Exit(finish(strings.Fields(rest)))
	}
	os.Exit(program(args))
}

// program behaves as a gateway, as far as its supervisor can see.
func program(args string) int {
	profile := "default"
	if rest, ok := strings.CutPrefix(args, "-p "); ok {
		profile, args, _ = strings.Cut(rest, " ")
	}
	tell := tellFD
	if os.Getenv(service.Variable) != "" {
		tell = tellSocket
		args += " --ready-fd 3" // a manager of the host passes no such flag
	}
	if args == "dashboard --ready-fd 3" {
		profile = "dashboard"
	} else if args != "gateway run --replace --ready-fd 3" {
		fmt.Println("unexpected arguments:", args)
		return 2
	}
	if os.Getenv("HERMES_S6_SUPERVISED_CHILD") != "1" {
		fmt.Println("HERMES_S6_SUPERVISED_CHILD is not set")
		return 2
	}
	dir := filepath.Join(os.Getenv("HERMES_HOME"), "program", profile)
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	if err := replace(filepath.Join(dir, "pid")); err != nil {
		fmt.Println(err)
		return 1
	}
	note, err := os.OpenFile(filepath.Join(dir, "starts"), os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Fprintln(note, os.Getpid())
	note.Close()
	fmt.Println("started", os.Getpid())

	how, err := os.ReadFile(filepath.Join(dir, "behaviour"))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	code := 143
	for _, word := range strings.Fields(string(how)) {
		word, value, _ := strings.Cut(word, "=")
		switch Behaviour(word) {
		case Ready:
			if err := tell(); err != nil {
				fmt.Println(err)
				return 1
			}
		case NeverReady:
		case Exit:
			code, _ := strconv.Atoi(value)
			return code
		case IgnoreTerm:
			signal.Ignore(syscall.SIGTERM)
		case TermCode:
			code, _ = strconv.Atoi(value)
		case LeaveChild:
			child := exec.Command("sleep", "1000")
			child.Stdout = os.Stdout
			child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			if err := child.Start(); err != nil {
				fmt.Println(err)
				return 1
			}
		}
	}
	select {
	case <-terminated:
		return code
	case <-time.After(5 * time.Minute): // if the test dies, end some time later
		return 0
	}
}

// tellFD says on descriptor 3 that the program is ready.
func tellFD() error {
	_, err := os.NewFile(3, "ready").WriteString("\n")
	return err
}

// tellSocket says to a manager of the host that the program is ready (sd_notify(3)).
func tellSocket() error {
	c, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Write([]byte("READY=1"))
	return err
}

// replace ends the process whose pid is in the file, and writes this process's pid into the file.
func replace(path string) error {
	if old, err := os.ReadFile(path); err == nil {
		pid, _ := strconv.Atoi(string(bytes.TrimSpace(old)))
		for pid > 1 && pid != os.Getpid() && isProgram(pid) {
			syscall.Kill(pid, syscall.SIGTERM)
			time.Sleep(5 * time.Millisecond)
		}
	}
	return os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())), 0o644)
}

// isProgram reports whether a process is a run of this program in this test.
func isProgram(pid int) bool {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	cmdline, err1 := os.ReadFile(filepath.Join(dir, "cmdline"))
	environ, err2 := os.ReadFile(filepath.Join(dir, "environ"))
	return err1 == nil && err2 == nil && bytes.Contains(cmdline, []byte("gateway\x00run")) &&
		bytes.Contains(environ, []byte("HERMES_HOME="+os.Getenv("HERMES_HOME")+"\x00"))
}
