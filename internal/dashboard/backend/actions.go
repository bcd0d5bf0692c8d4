package backend

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"hermes/internal/dashboard/access"
	"hermes/internal/fleet"
	"hermes/internal/operate"
	"hermes/internal/profile"
	"hermes/internal/profile/contents"
	"hermes/internal/profile/provision"
	"hermes/internal/service"
)

// Actions do what visitors ask for and record it in the audit log. An action goes on to its end if its visitor goes away.
type Actions struct {
	store          *profile.Store
	manager        func() service.Manager
	stopForeground func(ctx context.Context, h profile.Home, wait time.Duration) error
	fleet          *fleet.Fleet
	journals       *Journals
}

// refreshWithin is how long an answer waits until the picture of the gateways shows what was done.
const refreshWithin = 3 * time.Second

// done records an action that is over, and waits until the picture of the gateways shows what it did.
func (a *Actions) done(ctx context.Context, v access.Visitor, action, target, detail string, err error) {
	a.journals.Record(v, action, target, detail, err)
	ctx, cancel := context.WithTimeout(ctx, refreshWithin)
	defer cancel()
	a.fleet.Refresh(ctx)
}

func (a *Actions) lifecycle() (operate.Lifecycle, error) {
	m := a.manager()
	if m == nil {
		return operate.Lifecycle{}, ErrNoControl
	}
	return operate.Lifecycle{Manager: m, Store: a.store}, nil
}

func (a *Actions) profiles() operate.Profiles {
	return operate.Profiles{Manager: a.manager(), Store: a.store, StopForeground: a.stopForeground}
}

// Act starts, stops or restarts one gateway.
func (a *Actions) Act(ctx context.Context, v access.Visitor, n profile.Name, action operate.Action) Outcome {
	ctx = context.WithoutCancel(ctx)
	l, err := a.lifecycle()
	if err == nil {
		err = l.Act(ctx, action, n)
	}
	a.done(ctx, v, string(action), n.String(), "", err)
	if err != nil {
		return Outcome{Err: err, More: explanation(err)}
	}
	return Outcome{Text: fmt.Sprintf("gateway '%s' %s", n, action.Outcome())}
}

// explanation returns what a gateway that did not become ready said itself.
func explanation(err error) string {
	var failed *operate.FailedStartError
	if !errors.As(err, &failed) {
		return ""
	}
	var b strings.Builder
	if failed.Reason != "" {
		fmt.Fprintf(&b, "reason: %s\n", failed.Reason)
	}
	if len(failed.Lines) > 0 {
		b.WriteString("the last lines of its log:")
	}
	for _, l := range failed.Lines {
		b.WriteString("\n" + l.Shown(time.UTC))
	}
	return strings.TrimSpace(b.String())
}

// ActOnAll stops or restarts all gateways. Err says how many failed, and More says which, and why.
func (a *Actions) ActOnAll(ctx context.Context, v access.Visitor, action operate.Action) Outcome {
	ctx = context.WithoutCancel(ctx)
	l, err := a.lifecycle()
	good, bad, skipped := 0, []string{}, 0
	each := func(r operate.Result) {
		switch {
		case r.Err != nil:
			bad = append(bad, fmt.Sprintf("%s: %v", r.Profile, r.Err))
		case r.Skipped != "":
			skipped++
		default:
			good++
		}
	}
	if err == nil {
		err = l.All(ctx, action, each)
	}
	text := fmt.Sprintf("%d %s", good, action.Past())
	if skipped > 0 {
		text += fmt.Sprintf(", %d left alone because the operator stopped them", skipped)
	}
	if err == nil && len(bad) > 0 {
		err = fmt.Errorf("%s, %d failed", text, len(bad))
	}
	a.done(ctx, v, string(action)+" all", "", text, err)
	return Outcome{Text: text, Err: err, More: strings.Join(bad, "\n")}
}

// Create makes a profile, and starts its gateway if start is true. from is the name of the profile that it is a clone of; "" is none.
func (a *Actions) Create(ctx context.Context, v access.Visitor, name, from string, start bool) Outcome {
	ctx = context.WithoutCancel(ctx)
	n, err := profile.NewName(name)
	if err != nil {
		return Outcome{Err: err}
	}
	var origin profile.Name // none
	if from != "" {
		origin, err = profile.ParseName(from)
	}
	var m provision.Made
	if err == nil {
		m, err = a.profiles().Create(ctx, n, origin)
	}
	detail := ""
	if from != "" {
		detail = "from " + from
	}
	a.done(ctx, v, "create", n.String(), detail, err)
	if err != nil {
		return Outcome{Err: err}
	}
	o := Outcome{Text: fmt.Sprintf("profile '%s' is created", n), Profile: n}
	var more []string
	reasons, names := contents.ByReason(m.LeftOut)
	for _, why := range reasons {
		more = append(more, fmt.Sprintf("left out (%s): %s", why, strings.Join(names[why], ", ")))
	}
	o.More = strings.Join(more, "; ")
	if start {
		if started := a.Act(ctx, v, n, operate.Start); started.Err != nil {
			return Outcome{Err: fmt.Errorf("%s, but: %w", o.Text, started.Err), More: started.More, Profile: n}
		}
		o.Text += " and its gateway is ready"
	}
	return o
}

// Rename gives a profile another name, and starts its gateway again if it ran.
func (a *Actions) Rename(ctx context.Context, v access.Visitor, n profile.Name, name string) Outcome {
	ctx = context.WithoutCancel(ctx)
	to, err := profile.NewName(name)
	if err != nil {
		return Outcome{Err: err}
	}
	_, ran, err := a.profiles().Rename(ctx, n, to)
	a.done(ctx, v, "rename", n.String(), "to "+to.String(), err)
	if err != nil {
		return Outcome{Err: err}
	}
	o := Outcome{Text: fmt.Sprintf("profile '%s' is now '%s'", n, to), Profile: to}
	if ran {
		if started := a.Act(ctx, v, to, operate.Start); started.Err != nil {
			return Outcome{Err: fmt.Errorf("%s, but: %w", o.Text, started.Err), More: started.More, Profile: to}
		}
	}
	return o
}

// Delete deletes a profile.
func (a *Actions) Delete(ctx context.Context, v access.Visitor, n profile.Name) Outcome {
	ctx = context.WithoutCancel(ctx)
	err := a.profiles().Delete(ctx, n)
	a.done(ctx, v, "delete", n.String(), "", err)
	if err != nil {
		return Outcome{Err: err}
	}
	return Outcome{Text: fmt.Sprintf("profile '%s' is deleted", n)}
}
