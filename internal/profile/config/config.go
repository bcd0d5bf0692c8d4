// Package config reads and edits config.yaml. It knows the keys, their meaning and defaults, and the messages about a wrong file.
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

// Config is the content of config.yaml. Every key is optional. Each field with a yaml tag is a Section that all readers know; a new
// one gets a file of its own in this package. A section that only one part of a gateway knows, such as a channel, is passed to Load
// as a Block.
type Config struct {
	Model     Model     `yaml:"model"`
	APIServer APIServer `yaml:"api_server"`
	Gateway   Gateway   `yaml:"gateway"`
	Sessions  Sessions  `yaml:"sessions"`

	// Unused lists the keys of a file for hermes-agent, which keeps its config.yaml in the same place, that mean nothing here or
	// have a value that cannot be used. In any other file such a key is an error.
	Unused []string `yaml:"-"`
}

// Section is a block of keys: a pointer to a struct whose fields have yaml tags. The fields are of type string or int, pointers to
// these, or structs of such fields. A section may also have a method SetDefaults, which is called when everything has been read and
// checked.
type Section interface {
	// Check returns the first key whose value cannot be used, without the name of the section, and what to write instead. It returns
	// "" and "" if there is none.
	Check() (key, msg string)
}

// Block is a section that this package does not know.
type Block struct {
	Key string // at the top of the file
	// Into gets what the file says. If it is nil, Load skips the block, because another reader knows it.
	Into Section
}

// Load reads config.yaml, or returns the defaults if there is none. Unknown keys (blocks that were not passed too), values of a
// wrong type and values out of range are *profile.ConfigError, except in a file for hermes-agent: see Config.Unused.
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
			if d.skipped == nil || key == last { // leaving the value out did not help last time
				return Config{}, &profile.ConfigError{File: file, Line: lineOf(root, path), Key: path, Msg: msg}
			}
			c.unused(path)
			leaveOut(b.Into, key) // after that the key has no fault
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

// quoted finds what the library quotes from a file, which may be a secret.
var quoted = regexp.MustCompile(`"[^"]*"?`)

// plainKey returns a key if it looks like one of ours, and otherwise "". In a file that is not YAML, a part of a secret or a control
// sequence may stand in the place of a key.
func plainKey(key string) string {
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	}
	if len(key) > 80 || strings.ContainsFunc(key, odd) {
		return ""
	}
	return key
}

// printable replaces control characters and the like. Blanks of all kinds become spaces.
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
