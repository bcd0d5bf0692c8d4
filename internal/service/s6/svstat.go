package s6

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"hermes/internal/service"
)

// svstatFields is what we ask s6-svstat for, in the order in which parseSvstat reads it.
const svstatFields = "up,ready,wantedup,pid,exitcode,signal,updownfor"

// svstat asks s6-svstat about a service directory.
func svstat(ctx context.Context, id service.ID, dir string) (service.Status, error) {
	out, err := run(ctx, id, "status", "s6-svstat", "-o", svstatFields, dir)
	if err != nil {
		return service.Status{}, err
	}
	st, err := parseSvstat(id, out)
	if err != nil {
		return service.Status{}, err
	}
	if st.Up && !st.Ready {
		_, err := os.Lstat(filepath.Join(dir, napFile))
		st.Backoff = err == nil
	}
	return st, nil
}

// parseSvstat reads one line of s6-svstat -o svstatFields. s6 says ready of a service that is
// down and may be started; here Ready is for services that are up.
func parseSvstat(id service.ID, line string) (service.Status, error) {
	f := strings.Fields(line)
	if len(f) != 7 {
		return service.Status{}, fmt.Errorf("cannot read s6-svstat's answer for '%s': %q", id, line)
	}
	st := service.Status{ID: id, Up: f[0] == "true", WantUp: f[2] == "true"}
	st.Ready = st.Up && f[1] == "true"
	pid, err1 := strconv.Atoi(f[3])
	code, err2 := strconv.Atoi(f[4])
	secs, err3 := strconv.ParseInt(f[6], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return service.Status{}, fmt.Errorf("cannot read s6-svstat's answer for '%s': %q", id, line)
	}
	st.PID, st.ExitCode, st.For = max(0, pid), code, time.Duration(secs)*time.Second
	if f[5] != "NA" {
		st.Signal = f[5]
	}
	return st, nil
}
