package ports

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"hermes/internal/profile"
	"hermes/internal/profile/config"
	"hermes/internal/profile/env"
	"hermes/internal/volume"
)

// portLockWait is how long an assignment waits for others, which read small files of every profile.
const portLockWait = 30 * time.Second

// portsLockName is locked while a port is chosen on a volume, so that two profiles that start at once do not choose the same port.
const portsLockName = ".ports.lock"

// Assignment is the result of assigning a port to one profile's API server.
type Assignment struct {
	Port int
	// New says that the port was chosen and written just now.
	New bool
	// Shared is another profile with the same port, or "". A port that a person wrote is never changed, so both gateways will try to
	// use it.
	Shared string
	// Err says why there is no port: the files cannot be read (*profile.ConfigError), or no port is free.
	Err error
}

// Assign returns the port of a profile. That is the port in its own .env or config.yaml (contract "Ports"). If there is none, Assign
// takes the derived port, or the next one that no other profile on the volume owns, and writes it into the profile's .env, so that
// it stays. The container's API_SERVER_PORT, read with getenv, belongs to the default profile.
func Assign(ctx context.Context, s *profile.Store, h profile.Home, getenv func(string) string) (int, error) {
	if port, err := ownPort(h, getenv); port != 0 || err != nil {
		return port, err // usually there is a port, and no lock is needed
	}
	a, err := assignOne(ctx, s, h, getenv, false)
	return a.Port, err
}

// Options says which profiles AssignAll reads.
type Options struct {
	// Skip says which profiles are left out, so that their files are not read; nil leaves out none.
	Skip func(profile.Name) bool
	// Reading, if not nil, is called before the files of each profile are read. Then the profiles are read one after the other.
	Reading func(profile.Name)
}

// AssignAll is Assign for all profiles. It reads each of their files once. Its error is about the volume; an error of one profile is
// in that profile's Assignment.
func AssignAll(ctx context.Context, s *profile.Store, getenv func(string) string, o Options) (map[profile.Name]Assignment, error) {
	return assign(ctx, s, getenv, func(profile.Name) bool { return true }, profile.Name{}, o)
}

// AssignFresh gives a new profile, which was made from the files of another one, a port of its own even if its files name a port
// that is taken. If the profile is gone, the error is *profile.NotFoundError.
func AssignFresh(ctx context.Context, s *profile.Store, h profile.Home, getenv func(string) string) (int, error) {
	a, err := assignOne(ctx, s, h, getenv, true)
	return a.Port, err
}

// assignOne assigns the port of one profile. If fresh is true, the profile gets a port of its own even if its files name one that is
// taken.
func assignOne(ctx context.Context, s *profile.Store, h profile.Home, getenv func(string) string, fresh bool) (Assignment, error) {
	var movable profile.Name
	if fresh {
		movable = h.Name
	}
	all, err := assign(ctx, s, getenv, func(n profile.Name) bool { return n == h.Name }, movable, Options{})
	if err != nil {
		return Assignment{}, err
	}
	a, ok := all[h.Name]
	if !ok {
		return a, &profile.NotFoundError{Name: h.Name, Dir: h.Dir}
	}
	return a, a.Err
}

// assign reads the ports of all profiles. It gives a port to each wanted profile that has none, and to movable if another profile
// owns its port.
func assign(ctx context.Context, s *profile.Store, getenv func(string) string, wanted func(profile.Name) bool, movable profile.Name, o Options) (map[profile.Name]Assignment, error) {
	lctx, cancel := context.WithTimeout(ctx, portLockWait)
	defer cancel()
	lock, err := s.Files().WaitLock(lctx, portsLockName)
	if err != nil {
		return nil, fmt.Errorf("cannot assign ports: %w", err)
	}
	defer lock.Unlock()
	entries, err := s.List()
	if err != nil {
		return nil, err
	}
	var homes []profile.Home
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
			a.Err = &profile.ConfigError{File: h.Env(), Key: env.Port, Msg: fmt.Sprintf(
				"missing, and other profiles own all ports from %d to %d: add a line with a port outside of these", First, End-1)}
			continue
		}
		owner[a.Port] = h.Name.String()
		chosen = append(chosen, i)
	}
	parallel(len(chosen), func(i int) {
		a := &all[chosen[i]]
		if a.Err = writePort(ctx, homes[chosen[i]], a.Port); a.Err != nil {
			a.Port = 0
		} else {
			a.New = true
		}
	})
	byName := make(map[profile.Name]Assignment, len(homes))
	for i, h := range homes {
		byName[h.Name] = all[i]
	}
	return byName, nil
}

// freePort returns the derived port of a profile, or the next free port; after the last one it goes on with the first. 0 if none is
// free.
func freePort(n profile.Name, owner map[int]string) int {
	const size = End - First
	first := Derived(n) - First
	for i := range size {
		if port := First + (first+i)%size; owner[port] == "" {
			return port
		}
	}
	return 0
}

// ownPort returns the port that a profile owns, or 0 if it owns none yet.
func ownPort(h profile.Home, getenv func(string) string) (int, error) {
	port, _, err := Own(h, getenv)
	return port, err
}

// Own returns the port that a profile owns, and which file or variable says so. For the default profile the container's environment
// counts too, and without it the port is 8642. 0 means that the profile owns no port yet.
func Own(h profile.Home, getenv func(string) string) (port int, origin string, err error) {
	if h.Name.IsDefault() {
		if port, ok := parsePort(getenv(env.Port)); ok {
			return port, "the environment", nil
		}
	}
	vars, err := env.Load(h)
	if err != nil {
		return 0, "", err
	}
	if v := vars[env.Port]; v != "" {
		port, ok := parsePort(v)
		if !ok {
			return 0, "", &profile.ConfigError{File: h.Env(), Key: env.Port, Msg: "want a number from 1 to 65535"}
		}
		return port, env.Origin(h, env.Port), nil
	}
	c, err := config.Load(h)
	switch {
	case err != nil:
		return 0, "", err
	case c.APIServer.Port != 0:
		return c.APIServer.Port, h.Config(), nil
	case h.Name.IsDefault():
		return Default, "", nil
	}
	return 0, "", nil
}

func parsePort(s string) (int, bool) {
	port, err := strconv.Atoi(s)
	return port, err == nil && port >= 1 && port <= 65535
}

// writePort writes a port into a profile's own .env, or into the file that env.Put chooses instead.
func writePort(ctx context.Context, h profile.Home, port int) error {
	err := env.Put(ctx, h, env.Port, strconv.Itoa(port))
	var wrong *profile.ConfigError
	var pe *fs.PathError
	switch {
	case err == nil, errors.As(err, &wrong):
		return err
	case errors.Is(err, volume.ErrMount) && errors.As(err, &pe):
		return &profile.ConfigError{File: pe.Path, Key: env.Port, Msg: fmt.Sprintf("missing, and the file %v: add the line API_SERVER_PORT=%d", pe.Err, port)}
	}
	return fmt.Errorf("cannot write down the port of profile '%s': %w", h.Name, err)
}

// parallel calls f for 0 to n-1, several at a time, because reading small files is mostly waiting.
func parallel(n int, f func(int)) {
	var g errgroup.Group
	g.SetLimit(4 * runtime.GOMAXPROCS(0))
	for i := range n {
		g.Go(func() error {
			f(i)
			return nil
		})
	}
	_ = g.Wait() // f returns no error
}
