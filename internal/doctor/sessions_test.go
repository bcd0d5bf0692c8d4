package doctor

import (
	"os"
	"strings"
	"testing"
)

func TestSessionsThatOnlyGrowAreToldWhenTheyAreMany(t *testing.T) {
	p := newPatient(t)
	h := p.profile("coder")
	size := func(n int64) {
		t.Helper()
		if err := os.WriteFile(h.Database(), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(h.Database(), n); err != nil { // a sparse file, which takes no room
			t.Fatal(err)
		}
	}
	told := func() (all []Finding) {
		for _, f := range p.examine() {
			if strings.Contains(f.What, "kept for ever") {
				all = append(all, f)
			}
		}
		return all
	}
	size(manySessions - 1)
	if f := told(); len(f) != 0 {
		t.Errorf("%+v", f)
	}
	size(manySessions)
	if f := told(); len(f) != 1 || f[0].Severity != Note || f[0].Profile != "coder" || !strings.Contains(f[0].Mend, "hermes -p coder sessions prune") {
		t.Errorf("%+v", f)
	}
	if err := os.WriteFile(h.Config(), []byte("sessions:\n  max_age: 10y\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if f := told(); len(f) != 0 {
		t.Errorf("with a retention: %+v", f)
	}
}
