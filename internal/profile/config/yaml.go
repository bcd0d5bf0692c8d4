package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"hermes/internal/profile"
)

// MaxSize is the largest config.yaml, in bytes. The parser needs time and memory in proportion: some 30 ms and 10 MB for the worst
// file of this size.
const MaxSize = 64 << 10

// maxLevels is how many levels config.yaml may have, far more than it needs.
const maxLevels = 32

// parseYAML reads the only document of a YAML file into nodes. Every reader of config.yaml uses it. Before anything is decoded, it
// refuses what makes a small file expensive, or mean something else than it seems to mean: anchors, aliases, merge keys, tags, a
// second document, and too many levels. The node is nil for a file without content.
func parseYAML(file string, data []byte) (root *yaml.Node, err error) {
	if data, err = profile.PlainText(file, data); err != nil {
		return nil, err
	}
	if line := tooDeep(data); line > 0 {
		return nil, &profile.ConfigError{File: file, Line: line, Msg: "too many levels"}
	}
	if len(data) > MaxSize {
		return nil, &profile.ConfigError{File: file, Msg: fmt.Sprintf("it is larger than %d kB", MaxSize>>10)}
	}
	defer func() {
		if r := recover(); r != nil { // the library panicked, which a bad file must not cause in us
			root, err = nil, &profile.ConfigError{File: file, Msg: "not valid YAML"}
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, syntaxError(file, err)
	}
	switch err := d.Decode(&second); {
	case err == nil:
		return nil, &profile.ConfigError{File: file, Line: second.Line, Msg: "a second document begins here: the file holds one"}
	case !errors.Is(err, io.EOF):
		return nil, syntaxError(file, err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	return doc.Content[0], plainNodes(file, doc.Content[0], "", 0)
}

const noAnchors = "anchors and aliases (& and *) are not used here: write the value out, or put it in quotes"

// plainNodes refuses what config.yaml does not need.
func plainNodes(file string, n *yaml.Node, key string, level int) error {
	refuse := func(line int, msg string) error {
		return &profile.ConfigError{File: file, Line: line, Key: plainKey(key), Msg: msg}
	}
	switch {
	case level > maxLevels:
		return refuse(n.Line, "too many levels")
	case n.Kind == yaml.AliasNode, n.Anchor != "":
		return refuse(n.Line, noAnchors)
	case n.Style&yaml.TaggedStyle != 0:
		return refuse(n.Line, "tags (!) are not used here: write the value alone, or put it in quotes")
	}
	if n.Kind != yaml.MappingNode {
		for _, c := range n.Content {
			if err := plainNodes(file, c, key, level+1); err != nil {
				return err
			}
		}
		return nil
	}
	seen := make(map[string]bool, len(n.Content)/2)
	above := key
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		key = above
		if k.Kind == yaml.ScalarNode {
			key = strings.TrimPrefix(above+"."+k.Value, ".")
		}
		if err := plainNodes(file, k, key, level+1); err != nil {
			return err
		}
		switch {
		case k.Kind != yaml.ScalarNode:
			return refuse(k.Line, "want a plain name as a key")
		case k.Value == "<<" && k.Style == 0:
			return refuse(k.Line, "merge keys (<<) are not used here: write the keys out")
		case seen[k.Value]:
			return refuse(k.Line, "the key is there twice")
		}
		seen[k.Value] = true
		if err := plainNodes(file, n.Content[i+1], key, level+1); err != nil {
			return err
		}
	}
	return nil
}

// tooDeep returns the first line that opens more brackets or lists than config.yaml can need, or 0. It runs before the parser, so
// that the parser does not have to follow them.
func tooDeep(data []byte) int {
	open := 0
	for i, line := range bytes.Split(data, []byte("\n")) {
		lists := 0
		for _, c := range line {
			switch c {
			case '[', '{':
				open++
			case ']', '}':
				open--
			case '-', '?':
				lists++
			case ' ', '\t', '\r':
			default:
				lists = -len(line) // only lists at the beginning of a line count
			}
			if open > maxLevels || lists > maxLevels {
				return i + 1
			}
		}
	}
	return 0
}

// syntaxLine matches the library's errors and the line number that some of them begin with.
var syntaxLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`) })

// syntaxError turns an error of the library into a ConfigError with a line. The library's text contains words of the file only in
// quotes.
func syntaxError(file string, err error) error {
	wrong := &profile.ConfigError{File: file, Msg: "not valid YAML"}
	m := syntaxLine().FindStringSubmatch(err.Error())
	if m == nil {
		return wrong
	}
	wrong.Line, _ = strconv.Atoi(m[1]) // 0 if there is no number
	words := map[string]string{
		"found unexpected end of stream":                               "a quote is not closed",
		"found character that cannot start any token":                  "a tab or another character that cannot begin a value here: indent with spaces, put values in quotes",
		"found a tab character that violates indentation":              "a tab: indent with spaces",
		"found a tab character where an indentation space is expected": "a tab: indent with spaces",
		"control characters are not allowed":                           "a control character",
		"did not find expected key":                                    "the indentation does not fit the lines before, or a `:` is missing",
		"mapping values are not allowed in this context":               "a `:` where none can be: put the value in quotes",
		"did not find expected <document start>":                       "something follows where the document ends: the file holds one",
		"could not find expected ':'":                                  "a `:` is missing",
	}
	if strings.HasPrefix(m[2], "unknown anchor") { // the name would follow
		wrong.Msg = noAnchors
	} else if own, ok := words[m[2]]; ok {
		wrong.Msg = own
	} else {
		wrong.Msg = printable(quoted.ReplaceAllString(m[2], "..."))
	}
	return wrong
}

// yamlDecoder fills structs from nodes.
type yamlDecoder struct {
	file string
	// skipped, if not nil, is called with each key that is skipped because it cannot be used.
	skipped func(key string)
}

// document fills the blocks of a file.
func (d yamlDecoder) document(root *yaml.Node, blocks []Block) error {
	if isNull(root) {
		return nil
	}
	if root.Kind != yaml.MappingNode {
		return d.fail(root.Line, "", "want a block of keys")
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		name := root.Content[i]
		at := slices.IndexFunc(blocks, func(b Block) bool { return b.Key == name.Value })
		var err error
		switch {
		case at < 0:
			err = d.fail(name.Line, name.Value, "unknown key")
		case blocks[at].Into != nil:
			err = d.decode(root.Content[i+1], reflect.ValueOf(blocks[at].Into).Elem(), name.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fail returns the error for a key, or skips the key.
func (d yamlDecoder) fail(line int, key, msg string) error {
	if d.skipped != nil {
		d.skipped(key)
		return nil
	}
	return &profile.ConfigError{File: d.file, Line: line, Key: plainKey(key), Msg: msg}
}

// isNull reports whether a key has no value and so means nothing.
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// decode fills a struct from a mapping, by its yaml tags. For keys that the struct does not have, and for values of another type, it
// returns *profile.ConfigError or skips them.
func (d yamlDecoder) decode(n *yaml.Node, to reflect.Value, key string) error {
	if isNull(n) {
		return nil
	}
	switch to.Kind() {
	case reflect.Struct:
		if n.Kind != yaml.MappingNode {
			return d.fail(n.Line, key, "want a block of keys")
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			name := n.Content[i]
			path := strings.TrimPrefix(key+"."+name.Value, ".")
			field, ok := fieldOf(to, name.Value)
			if !ok {
				if err := d.fail(name.Line, path, "unknown key"); err != nil {
					return err
				}
				continue
			}
			if err := d.decode(n.Content[i+1], field, path); err != nil {
				return err
			}
		}
	case reflect.Pointer:
		v, passed := reflect.New(to.Type().Elem()), false
		inner := d
		if d.skipped != nil {
			inner.skipped = func(key string) {
				passed = true
				d.skipped(key)
			}
		}
		if err := inner.decode(n, v.Elem(), key); err != nil {
			return err
		}
		if !passed {
			to.Set(v)
		}
	case reflect.String:
		if n.Kind != yaml.ScalarNode {
			return d.fail(n.Line, key, "want a text")
		}
		to.SetString(n.Value)
	case reflect.Int:
		if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" && n.ShortTag() != "!!float" {
			return d.fail(n.Line, key, "want a number")
		}
		v, err := strconv.ParseInt(strings.ReplaceAll(n.Value, "_", ""), 0, 32)
		switch {
		case errors.Is(err, strconv.ErrRange):
			return d.fail(n.Line, key, "the number is too large")
		case err != nil:
			return d.fail(n.Line, key, "want a whole number")
		}
		to.SetInt(v)
	default:
		panic("config.yaml has a key of the type " + to.Type().String()) // Section does not allow such a type
	}
	return nil
}

func fieldOf(v reflect.Value, name string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if tag := v.Type().Field(i).Tag.Get("yaml"); tag == name && tag != "-" {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// lineOf finds the line of a dotted key, or returns 0.
func lineOf(n *yaml.Node, key string) int {
	for name := range strings.SplitSeq(key, ".") {
		if n == nil || n.Kind != yaml.MappingNode {
			return 0
		}
		i := slices.IndexFunc(n.Content, func(c *yaml.Node) bool { return c.Value == name })
		if i < 0 || i%2 == 1 {
			return 0
		}
		n = n.Content[i+1]
	}
	return n.Line
}
