package profile

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// contractName is the rule of contract "On disk", written independently of the code.
var contractName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

func TestNamesAreThoseOfTheContract(t *testing.T) {
	for name, ok := range map[string]bool{
		"a": true, "0": true, "coder": true, "a-b_c": true, "a--": true, strings.Repeat("x", 64): true,
		"": false, "-a": false, "_a": false, "A": false, "a.b": false, "a b": false, "a/b": false, "..": false, ".": false,
		"a\n": false, "a\x00": false, "é": false, "$(id)": false, strings.Repeat("x", 65): false, strings.Repeat("x", 1<<20): false,
		"default": false, "hermes": false, "root": false,
	} {
		n, err := NewName(name)
		if (err == nil) != ok {
			t.Errorf("%.70q: %v", name, err)
		}
		if ok && n.String() != name {
			t.Errorf("%q became %q", name, n)
		}
		var wrong *NameError
		if err != nil && (!errors.As(err, &wrong) || len(err.Error()) > 300 || strings.ContainsAny(err.Error(), "\n\x00")) {
			t.Errorf("%.70q: unreadable message %.400q", name, err)
		}
	}
}

func TestOnlyParseNameKnowsTheDefaultProfile(t *testing.T) {
	n, err := ParseName("default")
	if err != nil || n != Default() || !n.IsDefault() {
		t.Errorf("got %v, %v", n, err)
	}
	if n, err := ParseName("coder"); err != nil || n.IsDefault() {
		t.Errorf("got %v, %v", n, err)
	}
}

func TestANameSurvivesJSONAndAWrongOneDoesNot(t *testing.T) {
	var n Name
	if err := json.Unmarshal([]byte(`"coder"`), &n); err != nil || n.String() != "coder" {
		t.Errorf("got %v, %v", n, err)
	}
	if data, err := json.Marshal(n); err != nil || string(data) != `"coder"` {
		t.Errorf("got %s, %v", data, err)
	}
	if err := json.Unmarshal([]byte(`"../x"`), &n); err == nil {
		t.Error("../x passed")
	}
}

func FuzzParseName(f *testing.F) {
	for _, s := range []string{"", "a", "default", "root", "../x", "a b", "-p", "a\n", "é", strings.Repeat("a", 65), "$(id)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseName(s)
		if err != nil {
			if n != (Name{}) {
				t.Errorf("%q is refused and yet a name", s)
			}
			return
		}
		if !contractName.MatchString(s) || s == "hermes" || s == "root" {
			t.Errorf("%q passed", s)
		}
		h := NewStore("/root-home").Home(n)
		if !n.IsDefault() && (filepath.Dir(h.Dir) != "/root-home/profiles" || filepath.Base(h.Dir) != s) {
			t.Errorf("%q lives in %s", s, h.Dir)
		}
		if strings.ContainsAny(s, " \t\r\n'\"`$&|;<>(){}[]*?!~#\\/.=%") || s[0] == '-' {
			t.Errorf("%q needs quoting", s)
		}
	})
}
