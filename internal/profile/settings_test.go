package profile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func settingsHome(t testing.TB, config, env string) Home {
	t.Helper()
	h := Home{Name: Default(), Dir: t.TempDir()}
	for path, text := range map[string]string{h.Config(): config, h.Env(): env} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func content(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestAWrongConfigurationIsNotSaved(t *testing.T) {
	const good = "model:\n  provider: echo\n"
	h := settingsHome(t, good, "")
	f, err := h.ReadConfig()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"model:\n  provider: nobody\n", "modell: {}\n", "model: [", "api_server:\n  port: 70000\n", strings.Repeat("#", 65<<10)} {
		err := h.SaveConfig(t.Context(), text, f.Tag)
		if err == nil || content(t, h.Config()) != good {
			t.Errorf("%.30q: %v", text, err)
		}
	}
	var wrong *ConfigError
	if err := h.SaveConfig(t.Context(), "model:\n  provider: nobody\n", f.Tag); !errors.As(err, &wrong) || wrong.Line != 2 || wrong.Key != "model.provider" {
		t.Errorf("%#v", err)
	}
	if err := h.SaveConfig(t.Context(), "model:\r\n  provider: echo\r\n  max_retries: 1\r\n", f.Tag); err != nil || content(t, h.Config()) != good+"  max_retries: 1\n" {
		t.Errorf("%v, %q", err, content(t, h.Config()))
	}
	if content(t, h.Config()+".bak") != good {
		t.Error("the file of before is not kept")
	}
}

func TestWhatSomebodyElseChangedIsNotOverwritten(t *testing.T) {
	h := settingsHome(t, "model:\n  provider: echo\n", "")
	f, err := h.ReadConfig()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.SaveConfig(t.Context(), "# first\n", f.Tag); err != nil {
		t.Fatal(err)
	}
	var changed *ChangedError
	if err := h.SaveConfig(t.Context(), "# second\n", f.Tag); !errors.As(err, &changed) || content(t, h.Config()) != "# first\n" {
		t.Errorf("%v, %q", err, content(t, h.Config()))
	}
}

func TestSecretsInAConfigurationAreHiddenAndSurviveAnEdit(t *testing.T) {
	before := "model:\n  name: m\n  provider: openai\n  base_url: http://ann:5ecret@host:1/v1\n  api_key_env: X\n# api_key: 5ecret1\nx_token: 5ecret2\nother:\n  api_key: \"5ecret3\"\n"
	h := settingsHome(t, before, "")
	f, err := h.ReadConfig()
	if err != nil || strings.Contains(f.Text, "5ecret1") || strings.Contains(f.Text, "5ecret2") || strings.Contains(f.Text, "5ecret3") || strings.Contains(f.Text, "ann:5ecret") || !strings.Contains(f.Text, "api_key_env: X") {
		t.Fatalf("%v\n%s", err, f.Text)
	}
	if got := unmaskSecrets(before, f.Text); got != before {
		t.Errorf("%s", got)
	}
	if got := unmaskSecrets(before, strings.Replace(f.Text, "name: m", "name: n", 1)); got != strings.Replace(before, "name: m", "name: n", 1) {
		t.Errorf("%s", got)
	}
	if err := h.SaveConfig(t.Context(), "model:\n  name: m\n  base_url: http://bob:********@elsewhere/v1\n", f.Tag); err == nil {
		t.Error("a mask without a value was saved")
	}
}

func TestAVariableIsSetAndRemovedAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringMatching(`[ -~]{0,40}`).Draw(t, "value")
		before := rapid.SampledFrom([]string{"", "# mine\nA=1\n", "A=1\nexport NAME=old # why\nB='x y'\n", "NAME='a#b'\r\nA=1", "B=\"two\nlines\"\nNAME=x\n"}).Draw(t, "before")
		written, ok := quoteEnv(value)
		if !ok {
			return
		}
		had, err := parseEnv([]byte(before))
		if err != nil {
			t.Fatal(err)
		}
		after, err := setEnv("f", []byte(before), "NAME", value, written)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseEnv(after)
		if err != nil || got["NAME"] != value || strings.Count(string(after), "NAME") != 1 {
			t.Fatalf("%q became %q, %v", before, after, err)
		}
		for name, v := range had {
			if name != "NAME" && got[name] != v {
				t.Fatalf("%s is %q now", name, got[name])
			}
		}
		gone, err := removeEnv("f", after, "NAME")
		if err != nil || strings.Contains(string(gone), "NAME") {
			t.Fatalf("%q, %v", gone, err)
		}
	})
}

func TestAWrongVariableIsRefusedWithoutItsValue(t *testing.T) {
	h := settingsHome(t, "", "A=1\n")
	for name, value := range map[string]string{"A B": "5ecret", "": "5ecret", "1A": "5ecret", "A": "5ecret\nB=2", "B": "5ecret'\"", "C": "5ecret\x00"} {
		err := h.SetVariable(t.Context(), name, value)
		if err == nil || strings.Contains(err.Error(), "5ecret") || content(t, h.Env()) != "A=1\n" {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := h.RemoveVariable(t.Context(), "B"); err == nil {
		t.Error("a variable that is not there was removed")
	}
	if err := h.SetVariable(t.Context(), "B", "x y"); err != nil || content(t, h.Env()) != "A=1\nB='x y'\n" {
		t.Errorf("%v, %q", err, content(t, h.Env()))
	}
	if err := os.Remove(h.Env()); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(t.TempDir(), "x"), h.Env()); err != nil {
		t.Fatal(err)
	}
	if err := h.SetVariable(t.Context(), "B", "1"); err == nil {
		t.Error("a link in the place of .env was followed")
	}
}
