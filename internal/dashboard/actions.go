package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"hermes/internal/dashboard/access"
	"hermes/internal/logs"
	"hermes/internal/operate"
	"hermes/internal/profile"
	"hermes/internal/profile/contents"
	"hermes/internal/profile/provision"
)

// errNoControl is why nothing can be done from here.
var errNoControl = errors.New("no supervisor is in reach of this dashboard: run it where the gateways run")

// outcome is what came of an action.
type outcome struct {
	Text string // what was done
	More string // details, or the end of a log
	Err  error
	// Next is where to go; "" stays.
	Next string
}

// entry is a line of the audit log: who did what to what, and what came of it.
type entry struct {
	Time    time.Time `json:"time"`
	User    string    `json:"user"`
	Address string    `json:"address,omitempty"`
	Action  string    `json:"action"`
	Target  string    `json:"target,omitempty"`
	Detail  string    `json:"detail,omitempty"`
	Result  string    `json:"result"` // ok, or why not
}

// refreshWithin bounds how long an answer waits for the picture to show what was done.
const refreshWithin = 3 * time.Second

// done records an action that is over, and has the picture show it.
func (s *site) done(ctx context.Context, v access.Visitor, action, target, detail string, err error) {
	s.record(v, action, target, detail, err)
	ctx, cancel := context.WithTimeout(ctx, refreshWithin)
	defer cancel()
	s.fleet.Refresh(ctx)
}

// record writes an action into the audit log. What was done is not undone because it cannot be recorded.
func (s *site) record(v access.Visitor, action, target, detail string, err error) {
	e := entry{Time: time.Now().UTC().Truncate(time.Millisecond), User: capped(v.Name), Address: v.Address, Action: action, Target: capped(target), Detail: capped(detail), Result: "ok"}
	if err != nil {
		e.Result = capped(err.Error())
	}
	log := s.audit
	if weighty[action] {
		log = s.weighty
	}
	if err := log.Append(e); err != nil {
		s.log.Error("cannot record an action", "user", v.Name, "action", action, "target", target, "error", err)
	}
	s.log.Info("action", "user", v.Name, "action", action, "target", target, "result", e.Result)
}

// weighty are the actions that are recorded apart: who does others very often cannot push them out of the record.
var weighty = map[string]bool{"login": true, "create": true, "rename": true, "delete": true}

// maxField is how much of a word is recorded, in bytes.
const maxField = 300

// capped cuts what a visitor may make as long as they like.
func capped(s string) string {
	if len(s) <= maxField {
		return s
	}
	return strings.ToValidUTF8(s[:maxField], "") + "…"
}

func (s *site) lifecycleOf() (operate.Lifecycle, error) {
	m := s.o.Manager()
	if m == nil {
		return operate.Lifecycle{}, errNoControl
	}
	return operate.Lifecycle{Manager: m, Store: s.o.Store}, nil
}

func (s *site) profilesOf() operate.Profiles {
	return operate.Profiles{Manager: s.o.Manager(), Store: s.o.Store, StopForeground: s.o.StopForeground}
}

// act starts, stops or restarts one gateway.
func (s *site) act(ctx context.Context, v access.Visitor, n profile.Name, action operate.Action) outcome {
	// A visitor who goes away does not take the command back.
	ctx = context.WithoutCancel(ctx)
	l, err := s.lifecycleOf()
	if err == nil {
		err = l.Act(ctx, action, n)
	}
	s.done(ctx, v, string(action), n.String(), "", err)
	if err != nil {
		return outcome{Err: err, More: explanation(err)}
	}
	return outcome{Text: fmt.Sprintf("gateway '%s' %s", n, action.Outcome())}
}

// explanation shows what a gateway that did not become ready said itself.
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

// lifecycle serves a button of one gateway.
func (s *site) lifecycle(w http.ResponseWriter, r *http.Request, action operate.Action) {
	n, ok := s.named(w, r)
	if !ok {
		return
	}
	s.answer(w, r, s.act(r.Context(), s.visitor(r), n, action), profilePath(n))
}

// lifecycleAll serves the buttons for all gateways.
func (s *site) lifecycleAll(w http.ResponseWriter, r *http.Request, action operate.Action) {
	s.answer(w, r, s.actAll(r.Context(), s.visitor(r), action), "/")
}

func (s *site) actAll(ctx context.Context, v access.Visitor, action operate.Action) outcome {
	ctx = context.WithoutCancel(ctx)
	l, err := s.lifecycleOf()
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
	s.done(ctx, v, string(action)+" all", "", text, err)
	return outcome{Text: text, Err: err, More: strings.Join(bad, "\n")}
}

// createProfile serves the form of a new profile.
func (s *site) createProfile(w http.ResponseWriter, r *http.Request) {
	o := s.create(r.Context(), s.visitor(r), r.FormValue("name"), r.FormValue("from"), r.FormValue("start") != "")
	s.answer(w, r, o, "/new")
}

func (s *site) create(ctx context.Context, v access.Visitor, name, from string, start bool) outcome {
	ctx = context.WithoutCancel(ctx)
	n, err := profile.NewName(name)
	if err != nil {
		return outcome{Err: err}
	}
	var origin profile.Name // none
	if from != "" {
		origin, err = profile.ParseName(from)
	}
	var m provision.Made
	if err == nil {
		m, err = s.profilesOf().Create(ctx, n, origin)
	}
	detail := ""
	if from != "" {
		detail = "from " + from
	}
	s.done(ctx, v, "create", n.String(), detail, err)
	if err != nil {
		return outcome{Err: err}
	}
	o := outcome{Text: fmt.Sprintf("profile '%s' is created", n), Next: profilePath(n)}
	var more []string
	reasons, names := contents.ByReason(m.LeftOut)
	for _, why := range reasons {
		more = append(more, fmt.Sprintf("left out (%s): %s", why, strings.Join(names[why], ", ")))
	}
	o.More = strings.Join(more, "; ")
	if start {
		if started := s.act(ctx, v, n, operate.Start); started.Err != nil {
			return outcome{Err: fmt.Errorf("%s, but: %w", o.Text, started.Err), More: started.More, Next: o.Next}
		}
		o.Text += " and its gateway is ready"
	}
	return o
}

// renameProfile serves the form that gives a profile another name.
func (s *site) renameProfile(w http.ResponseWriter, r *http.Request) {
	n, ok := s.named(w, r)
	if !ok {
		return
	}
	s.answer(w, r, s.rename(r.Context(), s.visitor(r), n, r.FormValue("to")), profilePath(n))
}

func (s *site) rename(ctx context.Context, v access.Visitor, n profile.Name, name string) outcome {
	ctx = context.WithoutCancel(ctx)
	to, err := profile.NewName(name)
	if err != nil {
		return outcome{Err: err}
	}
	_, ran, err := s.profilesOf().Rename(ctx, n, to)
	s.done(ctx, v, "rename", n.String(), "to "+to.String(), err)
	if err != nil {
		return outcome{Err: err}
	}
	o := outcome{Text: fmt.Sprintf("profile '%s' is now '%s'", n, to), Next: profilePath(to)}
	if ran {
		if started := s.act(ctx, v, to, operate.Start); started.Err != nil {
			return outcome{Err: fmt.Errorf("%s, but: %w", o.Text, started.Err), More: started.More, Next: o.Next}
		}
	}
	return o
}

// deleteProfile serves the form that deletes a profile, in which its name has to be typed.
func (s *site) deleteProfile(w http.ResponseWriter, r *http.Request) {
	n, ok := s.named(w, r)
	if !ok {
		return
	}
	if r.FormValue("confirm") != n.String() {
		s.answer(w, r, outcome{Err: fmt.Errorf("that is not '%s': nothing is deleted", n)}, profilePath(n))
		return
	}
	s.answer(w, r, s.remove(r.Context(), s.visitor(r), n), profilePath(n))
}

func (s *site) remove(ctx context.Context, v access.Visitor, n profile.Name) outcome {
	ctx = context.WithoutCancel(ctx)
	err := s.profilesOf().Delete(ctx, n)
	s.done(ctx, v, "delete", n.String(), "", err)
	if err != nil {
		return outcome{Err: err}
	}
	return outcome{Text: fmt.Sprintf("profile '%s' is deleted", n), Next: "/"}
}

// named returns the profile of a request's path. Names that cannot be one, and those of no profile, are not found.
func (s *site) named(w http.ResponseWriter, r *http.Request) (profile.Name, bool) {
	n, err := profile.ParseName(r.PathValue("name"))
	if err != nil {
		s.fail(w, r, http.StatusNotFound, err)
		return n, false
	}
	return n, true
}

// fail shows an error as a page of its own.
func (s *site) fail(w http.ResponseWriter, r *http.Request, code int, err error) {
	text := logs.Printable(err.Error())
	s.render(w, r, code, resultPage(s.frame(r, "Not found", ""), false, text, "", "/"))
}

// answer shows what came of an action: in place where the page asked for it, else as a page.
func (s *site) answer(w http.ResponseWriter, r *http.Request, o outcome, back string) {
	text, more := o.Text, printableLines(o.More)
	if o.Err != nil {
		first, rest, _ := strings.Cut(o.Err.Error(), "\n")
		text, more = logs.Printable(first), strings.TrimSpace(printableLines(rest)+"\n"+more)
	}
	if o.Next != "" {
		back = o.Next
	}
	if r.Header.Get("HX-Request") == "true" {
		if o.Next != "" && o.Err == nil {
			w.Header().Set("HX-Location", o.Next)
		}
		s.render(w, r, http.StatusOK, result(o.Err == nil, text, more))
		return
	}
	code := http.StatusOK
	if o.Err != nil {
		code = http.StatusConflict
	}
	s.render(w, r, code, resultPage(s.frame(r, "Result", ""), o.Err == nil, text, more, back))
}

// printableLines is logs.Printable for a text of several lines.
func printableLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = logs.Printable(l)
	}
	return strings.Join(lines, "\n")
}
