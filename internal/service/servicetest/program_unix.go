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

// Main is for a TestMain. The test binary, under the name hermes, is the program that a
// manager supervises: it behaves as Rig.Behave told it. finish is what `hermes gateway finish`
// does with its arguments; it returns the exit code.
func Main(m *testing.M, finish func(args []string) int) {
	if filepath.Base(os.Args[0]) != "hermes" {
		// These tests wait more than they work: the default, one for each processor, is for those that work.
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

// program is a gateway, as its supervisor sees it.
func program(args string) int {
	profile := "default"
	if rest, ok := strings.CutPrefix(args, "-p "); ok {
		profile, args, _ = strings.Cut(rest, " ")
	}
	tell := tellFD
	if os.Getenv(service.Variable) != "" {
		tell = tellSocket
		args += " --ready-fd 3" // it has none
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
	case <-time.After(5 * time.Minute): // whatever happened to the test
		return 0
	}
}

// tellFD says that the program is ready, on descriptor 3.
func tellFD() error {
	_, err := os.NewFile(3, "ready").WriteString("\n")
	return err
}

// tellSocket says it to a manager of the host (sd_notify(3)).
func tellSocket() error {
	c, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Write([]byte("READY=1"))
	return err
}

// replace ends the process that the file names and puts this one's number in its place.
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

// isProgram reports whether a process is one of this program's, of this test.
func isProgram(pid int) bool {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	cmdline, err1 := os.ReadFile(filepath.Join(dir, "cmdline"))
	environ, err2 := os.ReadFile(filepath.Join(dir, "environ"))
	return err1 == nil && err2 == nil && bytes.Contains(cmdline, []byte("gateway\x00run")) &&
		bytes.Contains(environ, []byte("HERMES_HOME="+os.Getenv("HERMES_HOME")+"\x00"))
}
