package s6

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"hermes/internal/service"
	"hermes/internal/tai64n"
)

// svstatFields are the fields that s6-svstat prints for us, in the order in which parseSvstat reads them.
const svstatFields = "up,ready,wantedup,pid,exitcode,signal,updownfor,updownsince,readysince"

// slotStatus is what s6 knows about a slot.
type slotStatus struct {
	service.Status
	// Finishing is true while the finish script runs after the end of a run.
	Finishing bool
}

// look adds the state of the run script: for s6 the script's pause is a part of the run.
func (st *slotStatus) look(dir string) {
	if st.Up && !st.Ready {
		_, err := os.Lstat(filepath.Join(dir, napFile))
		st.Backoff = err == nil
	}
}

// svstat runs s6-svstat on a service directory.
func svstat(ctx context.Context, id service.ID, action, dir string) (slotStatus, error) {
	out, err := run(ctx, id, action, "s6-svstat", "-o", svstatFields, dir)
	if err != nil {
		return slotStatus{}, err
	}
	st, err := parseSvstat(id, out)
	if err != nil {
		return slotStatus{}, err
	}
	st.look(dir)
	return st, nil
}

// parseSvstat reads one line of s6-svstat -o svstatFields.
//
// If a service is down, s6-svstat should print ready once its finish script has ended, but it always prints false (2.11.3, 2.13.1).
// So parseSvstat compares times: if the service last became ready after its run ended, "ready" meant ready to be started again. If
// there was no run, the two times are equal.
func parseSvstat(id service.ID, line string) (slotStatus, error) {
	bad := fmt.Errorf("cannot read s6-svstat's answer for '%s': %q", id, line)
	f := strings.Fields(line)
	if len(f) != 9 {
		return slotStatus{}, bad
	}
	pid, err1 := strconv.Atoi(f[3])
	code, err2 := strconv.Atoi(f[4])
	secs, err3 := strconv.ParseInt(f[6], 10, 64)
	changed, ok1 := tai64n.Parse(f[7])
	settled, ok2 := tai64n.Parse(f[8])
	if err := cmp.Or(err1, err2, err3); err != nil || !ok1 || !ok2 || secs < 0 || secs > math.MaxInt64/int64(time.Second) {
		return slotStatus{}, bad
	}
	up := f[0] == "true"
	st := slotStatus{Finishing: !up && settled.Before(changed), Status: service.Status{
		ID: id, Up: up, Ready: up && f[1] == "true", WantUp: f[2] == "true",
		ExitCode: -1, Restarts: -1, For: time.Duration(secs) * time.Second,
	}}
	switch {
	case up:
		st.PID = max(0, pid)
	case !settled.Equal(changed):
		st.ExitCode = max(-1, code)
		if f[5] != "NA" {
			st.Signal = f[5]
		}
	}
	return st, nil
}
