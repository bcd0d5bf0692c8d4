package profile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strconv"
	"sync"
	"time"

	"hermes/internal/volume"
)

// portLockWait is how long an assignment waits for others. Each reads the small files of every profile.
const portLockWait = 30 * time.Second

// portsLockName guards the choice of ports on a volume: two profiles that start at once must not
// choose the same.
const portsLockName = ".ports.lock"

// Assignment is the API server's port of one profile.
type Assignment struct {
	Port int
	// New says that the port was written down just now.
	New bool
	// Shared names another profile with the same port, "" if there is none. Ports that somebody wrote down
	// are never moved, so both will want it.
	Shared string
	// Err is why there is no port: files that cannot be read (*ConfigError), or no free port.
	Err error
}

// AssignPort sees to it that a profile has a port that stays (contract "Ports"): the one in its own .env or
// config.yaml, or else the derived one, or the next that no other profile on the volume owns, which it
// writes down in the profile's .env. The container's API_SERVER_PORT, which getenv tells, is the default profile's.
func (s *Store) AssignPort(ctx context.Context, h Home, getenv func(string) string) (int, error) {
	if port, err := ownPort(h, getenv); port != 0 || err != nil {
		return port, err // the usual case needs no lock
	}
	a, err := s.assignOne(ctx, h, getenv, false)
	return a.Port, err
}

// AssignOptions says how AssignPorts reads the profiles.
type AssignOptions struct {
	// Skip leaves out profiles whose files are not to be read; nil leaves out none.
	Skip func(Name) bool
	// Reading, if not nil, is told of each profile before its files are read, one after the other.
	Reading func(Name)
}

// AssignPorts does the same for all profiles at once and reads each of their files once. An error
// is about the volume; what is wrong with one profile is in its Assignment.
func (s *Store) AssignPorts(ctx context.Context, getenv func(string) string, o AssignOptions) (map[Name]Assignment, error) {
	return s.assign(ctx, getenv, func(Name) bool { return true }, Name{}, o)
}

// assignOne assigns the port of one profile. A fresh profile, one that was just made from another one's files,
// gets a port of its own also where those files name one that is taken.
func (s *Store) assignOne(ctx context.Context, h Home, getenv func(string) string, fresh bool) (Assignment, error) {
	var movable Name
	if fresh {
		movable = h.Name
	}
	all, err := s.assign(ctx, getenv, func(n Name) bool { return n == h.Name }, movable, AssignOptions{})
	if err != nil {
		return Assignment{}, err
	}
	a, ok := all[h.Name]
	if !ok {
		return a, &NotFoundError{h.Name, h.Dir}
	}
	return a, a.Err
}

// assign reads everybody's port and gives one to those of wanted that have none, and to movable if another profile owns its.
func (s *Store) assign(ctx context.Context, getenv func(string) string, wanted func(Name) bool, movable Name, o AssignOptions) (map[Name]Assignment, error) {
	lctx, cancel := context.WithTimeout(ctx, portLockWait)
	defer cancel()
	lock, err := s.files.WaitLock(lctx, portsLockName)
	if err != nil {
		return nil, fmt.Errorf("cannot assign ports: %w", err)
	}
	defer lock.Unlock()
	entries, err := s.List()
	if err != nil {
		return nil, err
	}
	var homes []Home
	for _, e := range entries {
		if e.Err == nil && (o.Skip == nil || !o.Skip(e.Home.Name)) {
			homes = append(homes, e.Home)
		}
	}
	all := make([]Assignment, len(homes))
	read := func(i int) { all[i].Port, all[i].Err = ownPort(homes[i], getenv) }
	if o.Reading == nil {
		parallel(len(homes), read)
	} else {
		for i, h := range homes {
			o.Reading(h.Name)
			read(i)
		}
	}

	owner := map[int]string{}
	for i, a := range all {
		if a.Port == 0 || homes[i].Name == movable {
			continue
		}
		if first, taken := owner[a.Port]; taken {
			all[i].Shared = first
		} else {
			owner[a.Port] = homes[i].Name.String()
		}
	}
	var chosen []int
	for i, h := range homes {
		a := &all[i]
		if a.Err != nil || !wanted(h.Name) || a.Port != 0 && (h.Name != movable || owner[a.Port] == "") {
			continue
		}
		if a.Port = freePort(h.Name, owner); a.Port == 0 {
			a.Err = &ConfigError{File: h.Env(), Key: "API_SERVER_PORT", Msg: fmt.Sprintf(
				"missing, and other profiles own all ports from %d to %d: add a line with a port outside of these", FirstPort, EndPort-1)}
			continue
		}
		owner[a.Port] = h.Name.String()
		chosen = append(chosen, i)
	}
	parallel(len(chosen), func(i int) {
		a := &all[chosen[i]]
		if a.Err = writePort(homes[chosen[i]], a.Port); a.Err != nil {
			a.Port = 0
		} else {
			a.New = true
		}
	})
	byName := make(map[Name]Assignment, len(homes))
	for i, h := range homes {
		byName[h.Name] = all[i]
	}
	return byName, nil
}

// freePort returns the derived port or the next free one, round the range; 0 if there is none.
func freePort(n Name, owner map[int]string) int {
	const size = EndPort - FirstPort
	first := DerivedPort(n) - FirstPort
	for i := range size {
		if port := FirstPort + (first+i)%size; owner[port] == "" {
			return port
		}
	}
	return 0
}

// ownPort returns the port that a profile owns, 0 if it owns none yet.
func ownPort(h Home, getenv func(string) string) (int, error) {
	port, _, err := OwnPort(h, getenv)
	return port, err
}

// OwnPort returns the port that a profile owns and where it is written down: in its own files; for the
// default profile also in the container's environment, else it is 8642. 0 if it owns none yet.
func OwnPort(h Home, getenv func(string) string) (port int, origin string, err error) {
	if h.Name.IsDefault() {
		if port, ok := parsePort(getenv("API_SERVER_PORT")); ok {
			return port, "the environment", nil
		}
	}
	env, err := LoadEnv(h)
	if err != nil {
		return 0, "", err
	}
	if v := env["API_SERVER_PORT"]; v != "" {
		port, ok := parsePort(v)
		if !ok {
			return 0, "", &ConfigError{File: h.Env(), Key: "API_SERVER_PORT", Msg: "want a number from 1 to 65535"}
		}
		if own, err := loadEnv(h, EnvName); err == nil && own["API_SERVER_PORT"] == "" {
			return port, h.OwnEnv(), nil
		}
		return port, h.Env(), nil
	}
	c, err := LoadConfig(h)
	switch {
	case err != nil:
		return 0, "", err
	case c.APIServer.Port != 0:
		return c.APIServer.Port, h.Config(), nil
	case h.Name.IsDefault():
		return DefaultPort, "", nil
	}
	return 0, "", nil
}

func parsePort(s string) (int, bool) {
	port, err := strconv.Atoi(s)
	return port, err == nil && port >= 1 && port <= 65535
}

// writePort writes a port down in a profile's own .env, or where else such a variable goes.
func writePort(h Home, port int) error {
	name := EnvName
	if env, err := loadEnv(h, EnvName); err == nil && env["API_SERVER_PORT"] == "" {
		name = h.generatedName()
	}
	file := h.Files().Path(name)
	data, err := h.Files().ReadFile(name, maxConfigFile)
	if errors.Is(err, fs.ErrNotExist) && name == OwnEnvName {
		data, err = []byte(ownEnvHeader), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot write down the port of profile '%s': %w", h.Name, err)
	}
	if data, err = plainText(file, data); err != nil {
		return err
	}
	if data, err = setEnv(file, data, "API_SERVER_PORT", strconv.Itoa(port), strconv.Itoa(port)); err != nil {
		return err
	}
	err = h.Files().WriteFile(name, data, 0o600)
	if errors.Is(err, volume.ErrMount) {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return &ConfigError{File: file, Key: "API_SERVER_PORT", Msg: fmt.Sprintf("missing, and the file %v: add the line API_SERVER_PORT=%d", err, port)}
	}
	if err != nil {
		return fmt.Errorf("cannot write down the port of profile '%s': %w", h.Name, err)
	}
	return nil
}

// parallel calls f for 0 to n-1, a few at a time: reading small files is mostly waiting.
func parallel(n int, f func(int)) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(n, 4*runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}
