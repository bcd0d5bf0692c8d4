package container

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestTheLastLineIsTheLastThatSaysSomething(t *testing.T) {
	for in, want := range map[string]string{
		"":                                 "",
		"\n \n\t\n":                        "",
		"one":                              "one",
		"one\ntwo\n":                       "two",
		"one\ntwo":                         "two",
		"one\n\n  \n":                      "one",
		"one\n   ":                         "one",
		"  ✗ cannot\r\n":                   "cannot",
		"x\n" + strings.Repeat("y", 2000):  strings.Repeat("y", 1024),
		strings.Repeat("y", 1<<20) + "\nz": "z",
	} {
		var l lastLine
		if n, err := fmt.Fprint(&l, in); n != len(in) || err != nil {
			t.Errorf("%.20q: wrote %d, %v", in, n, err)
		}
		if got := l.String(); got != want {
			t.Errorf("%.20q: %.40q (%d bytes), want %.40q", in, got, len(got), want)
		}
	}
}

func TestHowTheTextIsCutIntoWritesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("ab \n✗"))).Draw(t, "text")
		var whole, cut lastLine
		fmt.Fprint(&whole, text)
		for rest := text; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			fmt.Fprint(&cut, rest[:n])
			rest = rest[n:]
		}
		if whole.String() != cut.String() {
			t.Fatalf("%q at once, %q in pieces", whole.String(), cut.String())
		}
	})
}
