package backend

import (
	"context"
	"fmt"
	"strings"

	"hermes/internal/dashboard/access"
	"hermes/internal/profile"
	"hermes/internal/profile/config"
	"hermes/internal/profile/env"
)

// SaveConfig replaces a profile's config.yaml. tag is that of the file that the visitor changed: if the file has another one by now, the
// error is *profile.ChangedError.
func (a *Actions) SaveConfig(ctx context.Context, v access.Visitor, n profile.Name, text, tag string) Outcome {
	return a.changeFile(ctx, v, n, fileChange{"config", "", "config.yaml is saved", func(ctx context.Context, h profile.Home) error {
		return config.Save(ctx, h, text, tag)
	}})
}

// SaveSoul replaces a profile's SOUL.md. tag is like that of SaveConfig.
func (a *Actions) SaveSoul(ctx context.Context, v access.Visitor, n profile.Name, text, tag string) Outcome {
	return a.changeFile(ctx, v, n, fileChange{"soul", "", "SOUL.md is saved", func(ctx context.Context, h profile.Home) error {
		return h.SaveSoul(ctx, text, tag)
	}})
}

// SetVariable sets a variable in a profile's .env. Its value is not recorded.
func (a *Actions) SetVariable(ctx context.Context, v access.Visitor, n profile.Name, name, value string) Outcome {
	name = strings.TrimSpace(name)
	return a.changeFile(ctx, v, n, fileChange{"variable", name, fmt.Sprintf("variable %s is set", name), func(ctx context.Context, h profile.Home) error {
		return env.Set(ctx, h, name, value)
	}})
}

// RemoveVariable removes a variable from a profile's .env.
func (a *Actions) RemoveVariable(ctx context.Context, v access.Visitor, n profile.Name, name string) Outcome {
	name = strings.TrimSpace(name)
	return a.changeFile(ctx, v, n, fileChange{"remove", name, fmt.Sprintf("variable %s is removed", name), func(ctx context.Context, h profile.Home) error {
		return env.Remove(ctx, h, name)
	}})
}

// fileChange is a change of one of the files that a profile is made of.
type fileChange struct {
	what   string // in the audit log
	detail string // in the audit log
	text   string // what was done
	change func(context.Context, profile.Home) error
}

func (a *Actions) changeFile(ctx context.Context, v access.Visitor, n profile.Name, c fileChange) Outcome {
	ctx = context.WithoutCancel(ctx)
	h, err := a.store.Get(n)
	if err != nil {
		return Outcome{Err: err}
	}
	err = c.change(ctx, h)
	a.done(ctx, v, "settings: "+c.what, n.String(), c.detail, err)
	if err != nil {
		return Outcome{Err: err}
	}
	if g, ok := a.fleet.Snapshot().Get(n); ok && g.Up() {
		c.text += "; it counts from the gateway's next start"
	}
	return Outcome{Text: c.text}
}
