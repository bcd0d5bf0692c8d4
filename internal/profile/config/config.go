// Package config is config.yaml: what may stand in it, what it means, and what is said of a file that is wrong.
package config

import (
	"errors"
	"io/fs"
	"reflect"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"hermes/internal/profile"
)

// Config is config.yaml. Every key is optional. A field with a yaml tag is a Section that all readers know: a new one has a file of
// its own here. What only some part of a gateway knows, a channel, is handed in: Block.
type Config struct {
	Model     Model     `yaml:"model"`
	APIServer APIServer `yaml:"api_server"`
	Gateway   Gateway   `yaml:"gateway"`
	Sessions  Sessions  `yaml:"sessions"`

	// Unused are the keys of a file that was written for hermes-agent, which has its config.yaml in the same place, that mean
	// nothing here, or have a value that cannot be used. In any other file such a key is an error.
	Unused []string `yaml:"-"`
}

// Section is a block of keys: a pointer to a struct whose fields have yaml tags. The types of the fields are string, int, pointers
// to these, and structs of such fields. A section may also have a method SetDefaults, which is called when all is read and checked.
type Section interface {
	// Check returns the first key, without the block's own, that has a value which cannot be used, and what to write instead;
	// "" and "" if there is none.
	Check() (key, msg string)
}

// Block is a section that this package does not know.
type Block struct {
	Key string // at the top of the file
	// Into gets what the file says. nil passes the block over: it is for another reader.
	Into Section
}

// Load reads config.yaml, or returns the defaults if there is none. Unknown keys, those of blocks that are not handed in too, wrong
// types and values out of range are *profile.ConfigError, but in a file of hermes-agent's: see Config.Unused.
func Load(h profile.Home, blocks ...Block) (Config, error) {
	data, err := h.Files().ReadFile(profile.ConfigName, MaxSize)
	if errors.Is(err, fs.ErrNotExist) {
		return parseConfig(h.Config(), nil, blocks...)
	}
	if err != nil {
		return Config{}, profile.CannotRead(h.Config(), err)
	}
	return parseConfig(h.Config(), data, blocks...)
}

// parseConfig reads the text of a config.yaml.
func parseConfig(file string, data []byte, blocks ...Block) (Config, error) {
	var c Config
	root, err := parseYAML(file, data)
	if err != nil {
		return Config{}, err
	}
	all := append(c.own(), blocks...)
	d := yamlDecoder{file: file}
	if isForeign(root) {
		d.skipped = c.unused
	}
	if root != nil {
		if err := d.document(root, all); err != nil {
			return Config{}, err
		}
	}
	for _, b := range all {
		if b.Into == nil {
			continue
		}
		last := ""
		for key, msg := b.Into.Check(); msg != ""; key, msg = b.Into.Check() {
			path := b.Key + "." + key
			if d.skipped == nil || key == last { // what stays wrong without its value cannot be passed over
				return Config{}, &profile.ConfigError{File: file, Line: lineOf(root, path), Key: path, Msg: msg}
			}
			c.unused(path)
			leaveOut(b.Into, key) // which is then without fault
			last = key
		}
	}
	for _, b := range all {
		if s, ok := b.Into.(interface{ SetDefaults() }); ok {
			s.SetDefaults()
		}
	}
	return c, nil
}

// own returns the sections of a configuration, in the order of its fields.
func (c *Config) own() []Block {
	var all []Block
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		if key := v.Type().Field(i).Tag.Get("yaml"); key != "-" {
			all = append(all, Block{key, v.Field(i).Addr().Interface().(Section)})
		}
	}
	return all
}

// quoted is what the library repeats of a file, which may be a secret.
var quoted = regexp.MustCompile(`"[^"]*"?`)

// plainKey returns a key that looks like one of ours, else "": in a file that is no YAML anything may stand where a key is
// looked for, a part of a secret or what a terminal would obey.
func plainKey(key string) string {
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	}
	if len(key) > 80 || strings.ContainsFunc(key, odd) {
		return ""
	}
	return key
}

// printable replaces what a terminal would not take as text. Blanks of all kinds become spaces.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r):
			return r
		case r == '\t' || r == '\n':
			return ' '
		}
		return utf8.RuneError
	}, s)
}
