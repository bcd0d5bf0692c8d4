package s6

import (
	"strings"
	"testing"
	"time"

	"hermes/internal/profile"
	"hermes/internal/service"
)

const (
	early = "@400000006b04bf880c27a2ec"
	late  = "@400000006b04bfa204c0d15b"
)

func TestParseSvstat(t *testing.T) {
	id := service.Gateway(profile.Default())
	for _, tt := range []struct {
		name, line string
		want       slotStatus
	}{
		{"never ran", "false false false -1 0 NA 0 " + late + " " + late, slotStatus{Status: service.Status{ExitCode: -1}}},
		{"never ran, s6 says ready", "false true false -1 0 NA 7 " + late + " " + late, slotStatus{Status: service.Status{ExitCode: -1, For: 7 * time.Second}}},
		{"starting", "true false true 42 -1 NA 3 " + late + " " + early, slotStatus{Status: service.Status{Up: true, WantUp: true, PID: 42, ExitCode: -1, For: 3 * time.Second}}},
		{"ready", "true true true 42 -1 NA 3\t" + early + " " + late + "\n", slotStatus{Status: service.Status{Up: true, Ready: true, WantUp: true, PID: 42, ExitCode: -1, For: 3 * time.Second}}},
		{"stopping", "true true false 42 -1 NA 0 " + early + " " + late, slotStatus{Status: service.Status{Up: true, Ready: true, PID: 42, ExitCode: -1}}},
		{"finishing", "false false true -1 1 NA 0 " + late + " " + early, slotStatus{Finishing: true, Status: service.Status{WantUp: true, ExitCode: 1}}},
		{"exited", "false true false -1 78 NA 0 " + early + " " + late, slotStatus{Status: service.Status{ExitCode: 78}}},
		{"killed", "false false false -1 -1 SIGKILL 9 " + early + " " + late, slotStatus{Status: service.Status{ExitCode: -1, Signal: "SIGKILL", For: 9 * time.Second}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.ID, tt.want.Restarts = id, -1
			got, err := parseSvstat(id, tt.line)
			if err != nil || got != tt.want {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, tt.want)
			}
		})
	}
	for _, line := range []string{
		"", "true", "true true true x -1 NA 3 " + early + " " + late, "true true true 42 x NA 3 " + early + " " + late,
		"true true true 42 -1 NA x " + early + " " + late, "true true true 42 -1 NA -1 " + early + " " + late,
		"true true true 42 -1 NA 9223372036854775807 " + early + " " + late, "true true true 42 -1 NA 3 now " + late,
		"true true true 42 -1 NA 3 " + early + " " + late + " more",
	} {
		_, err := parseSvstat(id, line)
		if err == nil || !strings.HasPrefix(err.Error(), "cannot read s6-svstat's answer for 'gateway-default': ") {
			t.Errorf("parseSvstat(%q): error is %v", line, err)
		}
	}
}

func FuzzParseSvstat(f *testing.F) {
	for _, line := range []string{
		"false false false -1 0 NA 0 " + late + " " + late, "true true true 42 -1 NA 3 " + early + " " + late,
		"false false false -1 -1 SIGKILL 9 " + early + " " + late, "true true true 42 -1 NA 3", "",
		"true true true -9 -9 NA 9223372036854775807 " + early + " " + late,
	} {
		f.Add(line)
	}
	id := service.Gateway(profile.Default())
	f.Fuzz(func(t *testing.T, line string) {
		st, err := parseSvstat(id, line)
		if err != nil {
			if st != (slotStatus{}) {
				t.Errorf("%q: an error and %+v", line, st)
			}
			return
		}
		if st.ID != id || st.PID < 0 || st.For < 0 || st.ExitCode < -1 || st.Ready && !st.Up || st.Finishing && st.Up ||
			!st.Up && st.PID != 0 || st.Up && (st.ExitCode != -1 || st.Signal != "") {
			t.Errorf("%q is %+v", line, st)
		}
	})
}
