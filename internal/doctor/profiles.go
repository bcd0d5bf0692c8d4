package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"

	"hermes/internal/profile"
	"hermes/internal/profile/config"
	"hermes/internal/profile/env"
	"hermes/internal/profile/ports"
)

func checkProfiles(_ context.Context, e *examination) []Finding {
	entries, err := e.Store.List()
	var found []Finding
	if err != nil {
		found = append(found, Finding{Severity: Error, What: err.Error(), Mend: "make " + filepath.Join(e.Store.Root(), "profiles") + " a directory that uid " + fmt.Sprint(e.UID) + " can read"})
	}
	echoing := 0
	for _, en := range entries {
		if en.Err != nil {
			found = append(found, e.unusable(en))
			continue
		}
		f, echo := e.inspect(en.Home)
		found = append(found, f...)
		if echo {
			echoing++
		}
	}
	if echoing > 0 {
		found = append(found, Finding{Severity: Note, What: fmt.Sprintf("%d of %d profiles have no model and echo what they are told", echoing, len(entries)),
			Mend: "set model.name, and model.base_url where it is not OpenAI, in the profile's config.yaml"})
	}
	return found
}

// unusable says how to make a profile of a directory that only looks like one.
func (e *examination) unusable(en profile.Entry) Finding {
	path := filepath.Join(e.Store.Root(), "profiles", en.Label)
	f := Finding{Severity: Error, Profile: en.Label, What: en.Err.Error()}
	var bad *profile.NameError
	switch info, err := e.Store.Files().Sub("profiles").Lstat(en.Label); {
	case en.Label == profile.DefaultName:
		f.Severity = Warning
		f.Mend = fmt.Sprintf("move what you need from %s to %s, then remove it", path, e.Store.Root())
	case errors.As(en.Err, &bad):
		f.Mend = fmt.Sprintf("give it a name of lower-case letters, digits, - and _: `mv %s %s`", shell(path), shell(filepath.Join(filepath.Dir(path), "NAME")))
	case err == nil && info.Mode()&fs.ModeSymlink != 0:
		f.Mend = "replace the link by the directory itself; a profile is never a link"
	default:
		f.Mend = "make " + path + " a directory with a file SOUL.md that uid " + fmt.Sprint(e.UID) + " can read"
	}
	return f
}

// inspect looks at the files of one profile. echo says that it has no model.
func (e *examination) inspect(h profile.Home) (found []Finding, echo bool) {
	add := func(s Severity, what, mend string) {
		found = append(found, Finding{Severity: s, Profile: h.Name.String(), What: what, Mend: mend})
	}
	_, err := h.Files().ReadFile(profile.SoulName, profile.MaxSoul)
	fresh := h.Name.IsDefault() && errors.Is(err, fs.ErrNotExist)
	if err != nil && !fresh {
		add(Error, fmt.Sprintf("cannot read who the agent is: %v", err), "make "+h.Soul()+" a text file of at most 1 MB")
	}
	if _, err := profile.ReadState(h); err != nil && !errors.Is(err, profile.ErrNoState) {
		mend := fmt.Sprintf("`mv %s %s.corrupt`, then %s", shell(h.StateFile()), shell(h.StateFile()), e.again(h.Name))
		if errors.Is(err, fs.ErrPermission) {
			mend = "give the file to the user that gateways run as, then " + e.again(h.Name)
		}
		add(Error, err.Error(), mend)
	}
	if f, ok := envMode(h); ok {
		found = append(found, f)
	}
	c, err := config.Load(h)
	if err != nil {
		add(Error, err.Error(), "edit the file, then "+e.again(h.Name))
		return found, false
	}
	vars, err := env.Load(h)
	if err != nil {
		add(Error, err.Error(), "edit the file, then "+e.again(h.Name))
		return found, false
	}
	if _, err := ports.Resolve(h, c, vars, e.Getenv); err != nil && !fresh {
		add(Error, err.Error(), "edit the file, then "+e.again(h.Name))
	}
	key, err := vars.Secret(c.Model.APIKeyEnv, e.Getenv)
	if err != nil && c.Model.Provider == "openai" {
		add(Error, err.Error(), "mend the variable, and start what runs the gateways again")
	}
	if err == nil && c.Model.Provider == "openai" && c.Model.BaseURL == config.DefaultOpenAIBaseURL && key == "" {
		add(Error, fmt.Sprintf("%s: %s: missing: provider openai needs it", h.Env(), c.Model.APIKeyEnv),
			"add a line "+c.Model.APIKeyEnv+"=<the provider's key>, then "+e.again(h.Name))
	}
	return found, c.Model.Provider == "echo"
}

// envMode finds secrets that other users may read.
func envMode(h profile.Home) (Finding, bool) {
	info, err := h.Files().Lstat(profile.EnvName)
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o077 == 0 || runtime.GOOS == "windows" {
		return Finding{}, false
	}
	return Finding{
		Severity: Warning, Profile: h.Name.String(),
		What: fmt.Sprintf("%s holds secrets and others may read it (mode %04o)", h.Env(), info.Mode().Perm()),
		Mend: "`chmod 600 " + shell(h.Env()) + "`",
		fix: func(context.Context) (string, error) {
			return "set the mode of " + h.Env() + " to 0600", h.Files().Chmod(profile.EnvName, 0o600)
		},
	}, true
}
