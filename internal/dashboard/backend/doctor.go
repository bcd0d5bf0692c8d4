package backend

import (
	"context"

	"hermes/internal/dashboard/access"
	"hermes/internal/doctor"
)

// Doctor runs `hermes doctor` for visitors.
type Doctor struct {
	options  func() (doctor.Options, error)
	journals *Journals
}

// Examine returns what is wrong.
func (d Doctor) Examine(ctx context.Context) ([]doctor.Finding, error) {
	o, err := d.options()
	if err != nil {
		return nil, err
	}
	return doctor.Run(ctx, o), nil
}

// Mend examines, repairs what can be repaired without harm, records that in the audit log, and returns what was found.
func (d Doctor) Mend(ctx context.Context, v access.Visitor) ([]doctor.Finding, error) {
	found, err := d.Examine(ctx)
	if err == nil {
		doctor.Fix(ctx, found)
	}
	d.journals.Record(v, "doctor --fix", "", "", err)
	return found, err
}
