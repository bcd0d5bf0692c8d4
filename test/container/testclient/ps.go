//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Process is an entry of ps. The tests decode the same JSON.
type Process struct {
	PID     int      `json:"pid"`
	PPID    int      `json:"ppid"`
	UID     int      `json:"uid"`
	GID     int      `json:"gid"`
	Groups  []int    `json:"groups"`
	State   string   `json:"state"`
	Comm    string   `json:"comm"`
	Cmdline []string `json:"cmdline"`
	Exe     string   `json:"exe,omitempty"` // "" if the kernel does not tell
	Cwd     string   `json:"cwd,omitempty"`
	FDs     []string `json:"fds,omitempty"` // what the open descriptors point to
	Env     []string `json:"env,omitempty"`
	Session int      `json:"session"` // the id of its session
	TTY     int      `json:"tty"`     // its controlling terminal; 0 for none
	Start   uint64   `json:"start"`   // when it started, in clock ticks since the machine booted
	// Caps is the union of the effective and the permitted capabilities.
	Caps uint64 `json:"caps"`
}

// ps prints all processes, or those named. The kernel shows what a process runs and has open only to its own user; even root needs a
// capability that containers do not have. So ps runs itself again as each user that owns a process.
func ps(args []string) error {
	pids := args
	if len(pids) == 0 {
		dirs, err := filepath.Glob("/proc/[0-9]*")
		if err != nil {
			return err
		}
		for _, dir := range dirs {
			pids = append(pids, filepath.Base(dir))
		}
	}
	list := []Process{}
	others := map[uint32][]string{}
	for _, pid := range pids {
		p, err := readProcess("/proc/" + pid)
		switch {
		case err != nil || p.PID == os.Getpid() || p.Comm == "testserver":
			// It is no error if a process ends meanwhile. The processes that serve the tests are left out.
		case len(args) == 0 && os.Getuid() == 0 && p.UID != 0:
			others[uint32(p.UID)] = append(others[uint32(p.UID)], pid)
		default:
			list = append(list, p)
		}
	}
	for uid, pids := range others {
		theirs, err := psAs(uid, pids)
		if err != nil {
			return err
		}
		list = append(list, theirs...)
	}
	return printJSON(list)
}

func psAs(uid uint32, pids []string) ([]Process, error) {
	cmd := exec.CommandContext(context.Background(), "/proc/self/exe", append([]string{"ps"}, pids...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("cannot look as uid %d: %w", uid, err)
	}
	var list []Process
	return list, json.Unmarshal(out, &list)
}

func readProcess(dir string) (Process, error) {
	var p Process
	p.PID, _ = strconv.Atoi(filepath.Base(dir))
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return p, err
	}
	// The name in parentheses may contain any character (proc_pid_stat(5)).
	if stat, err := os.ReadFile(filepath.Join(dir, "stat")); err == nil {
		if f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:])); len(f) > 4 {
			p.Session, _ = strconv.Atoi(f[3])
			p.TTY, _ = strconv.Atoi(f[4])
			if len(f) > 19 {
				p.Start, _ = strconv.ParseUint(f[19], 10, 64)
			}
		}
	}
	for line := range strings.Lines(string(status)) {
		key, value, _ := strings.Cut(line, ":")
		fields := strings.Fields(value)
		if len(fields) == 0 {
			continue
		}
		switch key {
		case "Name":
			p.Comm = strings.TrimSpace(value)
		case "State":
			p.State = fields[0]
		case "PPid":
			p.PPID, _ = strconv.Atoi(fields[0])
		case "Uid":
			p.UID, _ = strconv.Atoi(fields[1])
		case "Gid":
			p.GID, _ = strconv.Atoi(fields[1])
		case "Groups":
			for _, f := range fields {
				g, _ := strconv.Atoi(f)
				p.Groups = append(p.Groups, g)
			}
		case "CapEff", "CapPrm":
			caps, _ := strconv.ParseUint(fields[0], 16, 64)
			p.Caps |= caps
		}
	}
	p.Cmdline = readNulls(filepath.Join(dir, "cmdline"))
	p.Env = readNulls(filepath.Join(dir, "environ"))
	p.Exe, _ = os.Readlink(filepath.Join(dir, "exe"))
	p.Cwd, _ = os.Readlink(filepath.Join(dir, "cwd"))
	fds, _ := filepath.Glob(filepath.Join(dir, "fd/*"))
	for _, fd := range fds {
		if target, err := os.Readlink(fd); err == nil {
			p.FDs = append(p.FDs, target)
		}
	}
	return p, nil
}

// readNulls splits a file of /proc at its NUL bytes.
func readNulls(path string) []string {
	data, err := os.ReadFile(path)
	if err != nil || len(data) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(data), "\x00"), "\x00")
}

// Self is what a process sees of itself.
type Self struct {
	UID    int               `json:"uid"`
	GID    int               `json:"gid"`
	Groups []int             `json:"groups"`
	Cwd    string            `json:"cwd"`
	Args   []string          `json:"args"`
	Env    map[string]string `json:"env"`
}

func self(args []string) error {
	s := Self{UID: os.Getuid(), GID: os.Getgid(), Args: args, Env: map[string]string{}}
	s.Groups, _ = os.Getgroups()
	s.Cwd, _ = os.Getwd()
	for _, kv := range os.Environ() {
		k, v, _ := strings.Cut(kv, "=")
		s.Env[k] = v
	}
	return printJSON(s)
}

// Pss is the memory of one process; shared pages are divided among their users.
type Pss struct {
	PID   int    `json:"pid"`
	Comm  string `json:"comm"`
	PssKB int    `json:"pss_kb"`
}

// pss prints the memory of the named processes.
func pss(args []string) error {
	list := []Pss{}
	for _, arg := range args {
		data, err := os.ReadFile("/proc/" + arg + "/smaps_rollup")
		if err != nil {
			return err
		}
		p := Pss{PssKB: -1}
		p.PID, _ = strconv.Atoi(arg)
		comm, _ := os.ReadFile("/proc/" + arg + "/comm")
		p.Comm = strings.TrimSpace(string(comm))
		for line := range strings.Lines(string(data)) {
			if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
				p.PssKB, _ = strconv.Atoi(strings.Fields(rest)[0])
			}
		}
		if p.PssKB < 0 {
			return fmt.Errorf("no Pss in smaps_rollup of %s", arg)
		}
		list = append(list, p)
	}
	return printJSON(list)
}
