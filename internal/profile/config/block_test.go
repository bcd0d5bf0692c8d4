package config

import (
	"errors"
	"slices"
	"testing"

	"hermes/internal/profile"
	"hermes/internal/profile/profiletest"
)

// pager is a section of a channel, which this package does not know.
type pager struct {
	Number string `yaml:"number"`
	Retry  struct {
		Times int `yaml:"times"`
	} `yaml:"retry"`
	tone string
}

func (p *pager) Check() (key, msg string) {
	if p.Retry.Times > 9 {
		return "retry.times", "want at most 9"
	}
	return "", ""
}

func (p *pager) SetDefaults() {
	if p.Number == "" {
		p.tone = "low"
	}
}

func TestASectionOfAnotherPackageIsReadAsStrictlyAsOurs(t *testing.T) {
	h := profiletest.Home(t)
	for text, want := range map[string]string{
		"pager:\n  number: 7\n  retry: {times: 3}\nmodel: {name: m}\n": "",
		"pager:\n  tone: high\n":            ":2: pager.tone: unknown key",
		"pager:\n  retry:\n    times: 10\n": ":3: pager.retry.times: want at most 9",
		"pager: 7\n":                        ":1: pager: want a block of keys",
		"beeper: {}\n":                      ":1: beeper: unknown key",
	} {
		profiletest.Put(t, h.Config(), text)
		var p pager
		c, err := Load(h, Block{"pager", &p})
		switch {
		case want == "" && (err != nil || p.Number != "7" || p.Retry.Times != 3 || p.tone != "" || c.Model.Name != "m"):
			t.Errorf("%+v %+v %v", p, c, err)
		case want != "" && (err == nil || err.Error() != h.Config()+want):
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestASectionThatNobodyWroteHasItsDefaults(t *testing.T) {
	var p pager
	if _, err := Load(profiletest.Home(t), Block{"pager", &p}); err != nil || p.tone != "low" {
		t.Errorf("%+v %v", p, err)
	}
}

// TestASectionOfAnotherReaderIsPassedOver: a section that no reader knows is an error.
func TestASectionOfAnotherReaderIsPassedOver(t *testing.T) {
	h := profiletest.Home(t)
	profiletest.Put(t, h.Config(), "pager: {what: ever}\nmodel: {name: m}\n")
	if c, err := Load(h, Block{Key: "pager"}); err != nil || c.Model.Name != "m" {
		t.Errorf("%+v %v", c, err)
	}
	var wrong *profile.ConfigError
	if _, err := Load(h); !errors.As(err, &wrong) || wrong.Key != "pager" {
		t.Error(err)
	}
	f, err := Read(h)
	if err != nil {
		t.Fatal(err)
	}
	if err := Save(t.Context(), h, "pager: {number: 1}\n", f.Tag, Block{Key: "pager", Into: &pager{}}); err != nil {
		t.Error(err)
	}
}

func TestASectionInAFileOfAnotherProgramIsReadAsFarAsItGoes(t *testing.T) {
	h := profiletest.Home(t)
	profiletest.Put(t, h.Config(), "_config_version: 3\npager:\n  number: 7\n  tone: high\n  retry: {times: 10}\n")
	var p pager
	c, err := Load(h, Block{"pager", &p})
	if err != nil || p.Number != "7" || p.Retry.Times != 0 || !slices.Equal(c.Unused, []string{"_config_version", "pager.tone", "pager.retry.times"}) {
		t.Errorf("%+v %q %v", p, c.Unused, err)
	}
}
