package config

import (
	"errors"
	"os"
	"strings"
	"testing"

	"hermes/internal/profile"
	"hermes/internal/profile/profiletest"
)

func settingsHome(t testing.TB, config, env string) profile.Home {
	t.Helper()
	h := profile.Home{Name: profile.Default(), Dir: t.TempDir()}
	for path, text := range map[string]string{h.Config(): config, h.Env(): env} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func TestAWrongConfigurationIsNotSaved(t *testing.T) {
	const good = "model:\n  provider: echo\n"
	h := settingsHome(t, good, "")
	f, err := Read(h)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"model:\n  provider: nobody\n", "modell: {}\n", "model: [", "api_server:\n  port: 70000\n", strings.Repeat("#", 65<<10)} {
		err := Save(t.Context(), h, text, f.Tag)
		if err == nil || profiletest.Read(t, h.Config()) != good {
			t.Errorf("%.30q: %v", text, err)
		}
	}
	var wrong *profile.ConfigError
	if err := Save(t.Context(), h, "model:\n  provider: nobody\n", f.Tag); !errors.As(err, &wrong) || wrong.Line != 2 || wrong.Key != "model.provider" {
		t.Errorf("%#v", err)
	}
	if err := Save(t.Context(), h, "model:\r\n  provider: echo\r\n  max_retries: 1\r\n", f.Tag); err != nil || profiletest.Read(t, h.Config()) != good+"  max_retries: 1\n" {
		t.Errorf("%v, %q", err, profiletest.Read(t, h.Config()))
	}
	if profiletest.Read(t, h.Config()+".bak") != good {
		t.Error("the file of before is not kept")
	}
}

func TestWhatSomebodyElseChangedIsNotOverwritten(t *testing.T) {
	h := settingsHome(t, "model:\n  provider: echo\n", "")
	f, err := Read(h)
	if err != nil {
		t.Fatal(err)
	}
	if err := Save(t.Context(), h, "# first\n", f.Tag); err != nil {
		t.Fatal(err)
	}
	var changed *profile.ChangedError
	if err := Save(t.Context(), h, "# second\n", f.Tag); !errors.As(err, &changed) || profiletest.Read(t, h.Config()) != "# first\n" {
		t.Errorf("%v, %q", err, profiletest.Read(t, h.Config()))
	}
}

func TestSecretsInAConfigurationAreHiddenAndSurviveAnEdit(t *testing.T) {
	before := "model:\n  name: m\n  provider: openai\n  base_url: http://ann:5ecret@host:1/v1\n  api_key_env: X\n# api_key: 5ecret1\nx_token: 5ecret2\nother:\n  api_key: \"5ecret3\"\n"
	h := settingsHome(t, before, "")
	f, err := Read(h)
	if err != nil || strings.Contains(f.Text, "5ecret1") || strings.Contains(f.Text, "5ecret2") || strings.Contains(f.Text, "5ecret3") || strings.Contains(f.Text, "ann:5ecret") || !strings.Contains(f.Text, "api_key_env: X") {
		t.Fatalf("%v\n%s", err, f.Text)
	}
	if got := unmaskSecrets(before, f.Text); got != before {
		t.Errorf("%s", got)
	}
	if got := unmaskSecrets(before, strings.Replace(f.Text, "name: m", "name: n", 1)); got != strings.Replace(before, "name: m", "name: n", 1) {
		t.Errorf("%s", got)
	}
	if err := Save(t.Context(), h, "model:\n  name: m\n  base_url: http://bob:********@elsewhere/v1\n", f.Tag); err == nil {
		t.Error("a mask without a value was saved")
	}
}
