package config

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// mask is shown in place of a secret.
const mask = "********"

// unshowable is shown in place of a file whose secrets cannot be hidden with certainty.
const unshowable = "# This file holds secrets in a form that cannot be hidden one by one: edit it where it lies.\n"

// secretPatterns finds texts that look like secrets. It compiles the patterns at the first use, so that gateways do not keep them in
// memory.
var secretPatterns = sync.OnceValue(func() (p struct{ key, words, inURL, query, begin *regexp.Regexp }) {
	const word = `(?:key|token|secret|password|passwd|passphrase|credential|auth|authorization|cookie|bearer)s?`
	// key matches the names of keys whose values are secrets.
	p.key = regexp.MustCompile(`(?i)` + word + `$`)
	// words matches what introduces a secret in a comment; the secret follows.
	p.words = regexp.MustCompile(`(?i)["']?[a-z0-9_.-]*` + word + `["']?[ \t]*(?:[:=]|[ \t]is[ \t])[ \t]*`)
	// begin matches the beginning of a line of config.yaml: indentation, hyphens of lists, and a key.
	p.begin = regexp.MustCompile(`^[ \t]*(?:- +)*(?:["']?[A-Za-z0-9_.-]+["']?[ \t]*:[ \t]*)?`)
	// inURL matches what stands before the @ of an address, but not a user name before a colon.
	p.inURL = regexp.MustCompile(`://(?:[^\s/@:"']*:)?([^\s/@"']+)@`)
	p.query = regexp.MustCompile(`(?i)[?&;][a-z0-9_.-]*(?:` + word + `|sig|signature|access|code)=([^\s&;#"'` + "`" + `]+)`)
	return p
})

// span is a part of a text, from one byte offset up to another.
type span struct{ from, to int }

// maskSecrets hides what looks like a secret in a config.yaml: the values of keys with such a name, in whatever form they are
// written; passwords in addresses; and comments with a secret. config.yaml has no key for secrets, but people write them there.
func maskSecrets(text string) string {
	spans, ok := secretSpans(text)
	if !ok {
		return unshowable
	}
	var b strings.Builder
	at := 0
	for _, s := range spans {
		b.WriteString(text[at:s.from])
		b.WriteString(mask)
		at = s.to
	}
	b.WriteString(text[at:])
	return b.String()
}

// unmaskSecrets puts the secrets of before back where text has the mask. It uses them in order, after the same words on a line.
func unmaskSecrets(before, text string) string {
	spans, ok := secretSpans(before)
	if !ok {
		return text
	}
	hidden := map[string][]string{}
	for _, s := range spans {
		hidden[wordsBefore(before, s.from)] = append(hidden[wordsBefore(before, s.from)], before[s.from:s.to])
	}
	var b strings.Builder
	for {
		i := strings.Index(text, mask)
		if i < 0 {
			break
		}
		b.WriteString(text[:i])
		// Secrets that were put back earlier on this line do not count as its words.
		words := wordsBefore(b.String(), b.Len())
		if list := hidden[words]; len(list) > 0 {
			b.WriteString(list[0])
			hidden[words] = list[1:]
		} else {
			b.WriteString(mask)
		}
		text = text[i+len(mask):]
	}
	return b.String() + text
}

// wordsBefore returns the text of the line before a place.
func wordsBefore(text string, at int) string {
	return strings.TrimSpace(text[strings.LastIndexByte(text[:at], '\n')+1 : at])
}

// secretSpans returns where the secrets are, in order and without overlaps. ok is false if a secret would still be visible.
func secretSpans(text string) (_ []span, ok bool) {
	root, err := parseYAML("", []byte(text))
	var spans []span
	var values []string
	if err == nil && root != nil {
		d := document{text: text, lines: lineStarts(text)}
		d.secrets(root, false, nil)
		spans, values = d.spans, d.values
	}
	inTree := spans // in order, without overlaps
	p := secretPatterns()
	for _, re := range []*regexp.Regexp{p.inURL, p.query} {
		for _, m := range re.FindAllStringSubmatchIndex(text, -1) {
			spans = append(spans, span{m[2], m[3]})
		}
	}
	start := 0
	for line := range strings.Lines(text) {
		s, ok := secretOfComment(line, func(at int) bool { return inside(inTree, start+at) })
		if err != nil {
			s, ok = valueOfLine(line)
		}
		if ok {
			spans = append(spans, span{start + s.from, start + s.to})
		}
		start += len(line)
	}
	spans = apart(spans)
	return spans, !shows(text, spans, values)
}

// valueOfLine returns all of a line except its key. It is for a file that is not YAML, in which nobody can tell which part is a
// secret.
func valueOfLine(line string) (span, bool) {
	m := secretPatterns().begin.FindStringIndex(line)
	end := len(strings.TrimRight(line, " \t\r\n"))
	return span{m[1], end}, m[1] < end
}

// inside reports whether a place lies in one of the spans, which are in order and do not overlap.
func inside(spans []span, at int) bool {
	i, _ := slices.BinarySearchFunc(spans, at, func(s span, at int) int { return cmp.Compare(s.to, at+1) })
	return i < len(spans) && spans[i].from <= at && at < spans[i].to
}

// secretOfComment finds what follows a word for a secret in a comment. A # for which hidden is true does not begin a comment.
func secretOfComment(line string, hidden func(at int) bool) (span, bool) {
	end := len(strings.TrimRight(line, "\r\n"))
	from := commentOf(line, hidden)
	if from < 0 {
		return span{}, false
	}
	m := secretPatterns().words.FindStringIndex(line[from:end])
	if m == nil || from+m[1] >= end {
		return span{}, false
	}
	return span{from + m[1], end}, true
}

// commentOf returns where a comment may begin in a line, or -1. A # within a text counts too, because it is better to hide too much.
// A # within a hidden text does not count.
func commentOf(line string, hidden func(at int) bool) int {
	begins := true
	for i, c := range line {
		if c == '#' && begins && !hidden(i) {
			return i
		}
		begins = strings.ContainsRune(" \t\r\u0085\u2028\u2029"+byteOrder, c)
	}
	return -1
}

// apart sorts spans and joins those that overlap or touch.
func apart(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to)) })
	var out []span
	for _, s := range spans {
		if n := len(out); n > 0 && s.from < out[n-1].to {
			out[n-1].to = max(out[n-1].to, s.to)
			continue
		}
		if s.to > s.from {
			out = append(out, s)
		}
	}
	return out
}

// shows reports whether one of the secret values is still visible when the spans are hidden.
func shows(text string, spans []span, values []string) bool {
	var b strings.Builder
	at := 0
	for _, s := range spans {
		b.WriteString(text[at:s.from])
		b.WriteByte('\n')
		at = s.to
	}
	b.WriteString(text[at:])
	shown := b.String()
	const short = 4 // a value this short may also be elsewhere by chance
	return slices.ContainsFunc(values, func(v string) bool {
		for line := range strings.Lines(v) {
			if line = strings.TrimSpace(line); len(line) > short && strings.Contains(shown, line) {
				return true
			}
		}
		return false
	})
}

// document finds the places of nodes in a text.
type document struct {
	text   string
	lines  []int // the offset at which each line begins
	spans  []span
	values []string
}

// byteOrder is the mark with which some editors begin a file. The parser does not see it.
const byteOrder = "\ufeff"

// lineStarts returns where the lines begin, as the parser counts them: YAML has several kinds of line ends.
func lineStarts(text string) []int {
	starts := []int{len(text) - len(strings.TrimPrefix(text, byteOrder))}
	for i, c := range text {
		switch c {
		case '\r':
			if strings.HasPrefix(text[i+1:], "\n") {
				continue
			}
		case '\n', '\u0085', '\u2028', '\u2029':
		default:
			continue
		}
		starts = append(starts, i+utf8.RuneLen(c))
	}
	return starts
}

// secrets notes every value below a key with a secret's name. flow says that the node is within brackets; next is the node after it.
func (d *document) secrets(n *yaml.Node, flow bool, next *yaml.Node) {
	flow = flow || n.Style&yaml.FlowStyle != 0
	step := 1
	if n.Kind == yaml.MappingNode {
		step = 2
	}
	for i := 0; i+step <= len(n.Content); i += step {
		v := n.Content[i+step-1]
		after := next
		if i+step < len(n.Content) {
			after = n.Content[i+step]
		}
		if step == 2 && secretPatterns().key.MatchString(n.Content[i].Value) {
			d.hide(v, flow, after)
			continue
		}
		d.secrets(v, flow, after)
	}
}

// hide notes the place of a value with everything in it. The value ends where the next node begins or where its lines end.
func (d *document) hide(n *yaml.Node, flow bool, next *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" && n.Value == "" {
		return
	}
	d.collect(n)
	from := d.offset(n)
	to := len(d.text)
	if next != nil {
		to = d.offset(next)
	}
	if flow || n.Style&yaml.FlowStyle != 0 {
		// A closing bracket around the value, and a comma, stay visible.
		if end := d.lastLine(n) + 1; end < len(d.lines) {
			to = min(to, d.lines[end])
		}
		to = from + len(strings.TrimRight(d.text[from:to], " \t\r\n,}]"))
		if n.Kind != yaml.ScalarNode {
			to = d.closing(to)
		}
	} else if next != nil {
		to = d.lines[next.Line-1] // the next node begins on a line of its own
	}
	if from < to {
		d.spans = append(d.spans, span{from, from + len(strings.TrimRight(d.text[from:to], " \t\r\n"))})
	}
}

// closing returns the place after the closing bracket of a collection.
func (d *document) closing(at int) int {
	for at < len(d.text) && strings.IndexByte(" \t\r\n,}]", d.text[at]) >= 0 {
		if d.text[at] == '}' || d.text[at] == ']' {
			return at + 1
		}
		at++
	}
	return at
}

// collect notes the scalars in a value. It leaves out keys, because the same keys may also stand elsewhere.
func (d *document) collect(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		d.values = append(d.values, n.Value)
	}
	for i, c := range n.Content {
		if n.Kind != yaml.MappingNode || i%2 == 1 {
			d.collect(c)
		}
	}
}

// lastLine returns the line, counted from 0, of the last node within a node.
func (d *document) lastLine(n *yaml.Node) int {
	for len(n.Content) > 0 {
		n = n.Content[len(n.Content)-1]
	}
	return n.Line - 1
}

// offset returns where a node begins.
func (d *document) offset(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(d.lines) {
		return len(d.text)
	}
	at := d.lines[n.Line-1]
	for range n.Column - 1 { // columns count characters
		if at >= len(d.text) || d.text[at] == '\n' {
			break
		}
		at++
		for at < len(d.text) && d.text[at]&0xC0 == 0x80 {
			at++
		}
	}
	return at
}
