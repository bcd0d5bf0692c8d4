package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"hermes/internal/profile"
	"hermes/internal/profile/config"
	"hermes/internal/profile/ports"
)

// configuration describes every key of config.yaml and every variable.
func configuration(root string) (string, error) {
	all, err := keys(root)
	if err != nil {
		return "", err
	}
	p, err := newProbe()
	if err != nil {
		return "", err
	}
	defer p.close()
	var b strings.Builder
	b.WriteString("# Configuration\n\n" + notice)
	b.WriteString(`A profile is configured by three files in its home: ` + "`SOUL.md`" + ` (who the agent is), ` + "`.env`" + ` (secrets, mode 0600), and
` + "`config.yaml`" + `, which need not be there. An edit of SOUL.md counts from the next turn on; the other two
are read at the gateway's start, so type ` + "`hermes -p NAME gateway restart`" + ` after a change. A key that does not exist, a value of the wrong type or out of range ends the gateway with
code 78 and the file, the line and the key in its message; it is not started again until you start it.

hermes-agent has its home in the same directory. A ` + "`config.yaml`" + ` of that program, which ` + "`_config_version`" + ` or another of its top-level
keys tells, is read as far as it goes: the keys below count, one line of the gateway's log says which others do not, and
` + "`hermes doctor`" + ` lists them.

## config.yaml

| key | default | values | meaning |
| --- | --- | --- | --- |
`)
	for _, k := range all {
		values, err := p.values(k)
		if err != nil {
			return "", err
		}
		def, err := p.def(k)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.path, cell(def), cell(values), cell(k.meaning))
	}
	b.WriteString("\nAn example:\n\n```yaml\nmodel:\n  name: llama3\n  base_url: http://ollama:11434/v1\ngateway:\n  drain_timeout: 1m\n```\n\n")
	b.WriteString(`## .env

Lines ` + "`NAME=value`" + `, quoted as in a shell. ` + "`API_SERVER_KEY`" + ` is made with the profile. ` + "`API_SERVER_HOST`, `API_SERVER_PORT`" + ` win over
config.yaml. The provider's key goes here under the name that ` + "`model.api_key_env`" + ` gives. Nothing of this
file enters the environment of a process.

## Variables

A variable that switches something on takes ` + "`1`, `true` or `yes`" + `, in any case of letters; everything else, also ` + "`on`" + `, leaves it off,
and one that is not ` + "`0`, `false`, `no` or `off`" + ` either is named at the start. Quotes around a value, which ` + "`docker run --env-file`" + ` keeps, and a line
end after it do not count; a port that is an address, which Kubernetes sets for a Service of that name, is none. A secret, a provider's key
too, may be in a file whose path the variable with ` + "`_FILE`" + ` at its end has.

| variable | default | values | meaning |
| --- | --- | --- | --- |
`)
	for _, v := range variables {
		def := v.def
		if def == "" {
			def = "none"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", v.name, cell(def), cell(v.values), cell(v.meaning))
	}
	return b.String(), nil
}

// probe finds out, by calling the code, which values a key accepts and what its default is.
type probe struct{ home profile.Home }

func newProbe() (*probe, error) {
	dir, err := os.MkdirTemp("", "hermes-gen-")
	return &probe{profile.NewStore(dir).Home(profile.Default())}, err
}

func (p *probe) close() { os.RemoveAll(p.home.Dir) }

func (p *probe) load(yaml string) (config.Config, error) {
	if err := os.WriteFile(filepath.Join(p.home.Dir, "config.yaml"), []byte(yaml), 0o600); err != nil {
		return config.Config{}, err
	}
	return config.Load(p.home)
}

// nonsense is a value that every key refuses that does not accept any text.
var nonsense = map[string]string{"int": "-1", "string": `"?"`}

// values says what a key accepts. The words come from the error for a wrong value.
func (p *probe) values(k key) (string, error) {
	block, name, ok := strings.Cut(k.path, ".")
	if !ok || nonsense[k.kind] == "" {
		return "", fmt.Errorf("%s: cannot tell which values it takes", k.path)
	}
	_, err := p.load(fmt.Sprintf("%s:\n  %s: %s\n", block, name, nonsense[k.kind]))
	var refused *profile.ConfigError
	switch {
	case err == nil && k.kind == "int":
		return "a number", nil
	case err == nil:
		return "a text", nil
	case !errors.As(err, &refused) || refused.Key != k.path:
		return "", fmt.Errorf("%s: %w", k.path, err)
	}
	msg := refused.Msg
	if _, after, ok := strings.Cut(msg, "; use "); ok {
		return after, nil
	}
	return strings.TrimPrefix(msg, "want "), nil
}

// def returns the default of a key.
func (p *probe) def(k key) (string, error) {
	empty, err := p.load("")
	if err != nil {
		return "", err
	}
	openai, err := p.load("model:\n  name: x\n")
	if err != nil {
		return "", err
	}
	failures, window := empty.Gateway.GiveUp()
	computed := map[string]string{
		"model.provider":         fmt.Sprintf("`%s`; `%s` if `model.name` is set", empty.Model.Provider, openai.Model.Provider),
		"model.base_url":         fmt.Sprintf("`%s` for openai", openai.Model.BaseURL),
		"api_server.host":        "`" + ports.DefaultHost + "`",
		"api_server.port":        fmt.Sprintf("%d for `default`; else one from %d to %d, made from the name and written down", ports.Default, ports.First, ports.End-1),
		"gateway.drain_timeout":  "`" + duration(empty.Gateway.Drain()) + "`",
		"gateway.max_failures":   fmt.Sprint(failures),
		"gateway.failure_window": "`" + duration(window) + "`",
		"sessions.max_age":       "kept for ever",
		"sessions.max_messages":  "all are kept",
	}
	if def, ok := computed[k.path]; ok {
		return def, nil
	}
	v := field(reflect.ValueOf(empty), strings.Split(k.path, "."))
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	switch {
	case !v.IsValid() || v.Kind() == reflect.Pointer || v.IsZero():
		return "none", nil
	case v.Kind() == reflect.String:
		return "`" + v.String() + "`", nil
	}
	return fmt.Sprint(v.Interface()), nil
}

// duration writes 10m and not 10m0s.
func duration(d fmt.Stringer) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	return s
}

// field follows yaml tags into a value.
func field(v reflect.Value, path []string) reflect.Value {
	for _, name := range path {
		found := false
		for i := range v.NumField() {
			if tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ","); tag == name {
				v, found = v.Field(i), true
				break
			}
		}
		if !found {
			return reflect.Value{}
		}
	}
	return v
}
