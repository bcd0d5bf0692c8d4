package container

import (
	"strings"
	"testing"
)

func vars(pairs ...string) func(string) string {
	m := map[string]string{}
	for _, p := range pairs {
		name, value, _ := strings.Cut(p, "=")
		m[name] = value
	}
	return func(name string) string { return m[name] }
}

func TestOnlyThreeWordsSwitchSomethingOn(t *testing.T) {
	for value, want := range map[string]bool{
		"1": true, "true": true, "TRUE": true, "True": true, "yes": true, "YES": true, "yEs": true,
		"": false, "0": false, "false": false, "no": false, "on": false, "ON": false, "off": false, "y": false, "t": false, "ture": false,
		"2": false, "01": false, " 1": false, "1 ": false, "1\n": false, "yes!": false, "ÿes": false, "enabled": false,
	} {
		if got := Strict(value); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

func TestTheRuntimeUserIsTheContracts(t *testing.T) {
	for what, c := range map[string]struct {
		env  []string
		want User
	}{
		"nothing said":             {nil, User{10000, 10000, "/"}},
		"HERMES_HOME":              {[]string{"HERMES_HOME=/opt/data"}, User{10000, 10000, "/opt/data"}},
		"HERMES_*":                 {[]string{"HERMES_UID=1000", "HERMES_GID=1001"}, User{1000, 1001, "/"}},
		"aliases":                  {[]string{"PUID=99", "PGID=100"}, User{99, 100, "/"}},
		"HERMES_* over aliases":    {[]string{"PUID=99", "PGID=100", "HERMES_UID=1", "HERMES_GID=4294967294"}, User{1, 4294967294, "/"}},
		"one of each":              {[]string{"HERMES_UID=5", "PGID=6"}, User{5, 6, "/"}},
		"empty means nothing said": {[]string{"HERMES_UID=", "PUID=7", "HERMES_GID=", "PGID="}, User{7, 10000, "/"}},
	} {
		if got, err := RuntimeUser(vars(c.env...)); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", what, got, err, c.want)
		}
	}
}

func TestAWrongIDIsRefusedWithItsVariable(t *testing.T) {
	for _, name := range []string{"HERMES_UID", "HERMES_GID", "PUID", "PGID"} {
		for _, value := range []string{"0", "-1", "65535", "99999999999999999999", "root", "1.5", " 1", "0x10"} {
			_, err := RuntimeUser(vars(name + "=" + value))
			want := "invalid " + name + "=\"" + value + "\": want a number from 1 to 4294967294, but not 65535"
			if err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		}
	}
	// A wrong value that wins is an error, even if the alias has a right one.
	if _, err := RuntimeUser(vars("HERMES_UID=root", "PUID=99")); err == nil {
		t.Error("HERMES_UID=root was ignored")
	}
}

func TestSetIDChangesOneLineAndNothingElse(t *testing.T) {
	passwd := "root:x:0:0:root:/root:/bin/bash\nhermes:x:10000:10000:a:b:/opt/data:/bin/sh\nhermes2:x:1:1::/:/bin/sh\n\n#hermes:x:3:3\n"
	want := strings.Replace(passwd, "10000:10000", "99:100", 1)
	if got := setID(passwd, "hermes", 99, 100); got != want {
		t.Errorf("passwd:\n%s", got)
	}
	group := "root:x:0:\nhermes:x:10000:alice,bob\nadm:x:4:hermes"
	if got := setID(group, "hermes", 100); got != strings.Replace(group, "10000", "100", 1) {
		t.Errorf("group:\n%s", got)
	}
	for _, content := range []string{"", "hermes", "hermes:x", "hermes:x:1", "other:x:1:1::/:/bin/sh\n"} {
		if got := setID(content, "hermes", 99, 100); got != content {
			t.Errorf("%q became %q", content, got)
		}
	}
	if got := setID(want, "hermes", 99, 100); got != want {
		t.Errorf("a second time it changes something:\n%s", got)
	}
}

func TestTheCommandsEnvironmentIsTheContainersButForTheUser(t *testing.T) {
	got := commandEnv([]string{"HOME=/root", "A=1", "USER=root", "LOGNAME=root", "HOMEPAGE=x", "A=2", "ODD", "M=a\nb=c"}, User{1, 2, "/opt/data"})
	want := "A=1 HOMEPAGE=x A=2 ODD M=a\nb=c HOME=/opt/data USER=hermes LOGNAME=hermes"
	if strings.Join(got, " ") != want {
		t.Errorf("got %q", got)
	}
}

func TestQuotedTextIsOneWordOfTheShell(t *testing.T) {
	for in, want := range map[string]string{"": "''", "/a b": "'/a b'", "it's": `'it'\''s'`, "$(id)`x`\n": "'$(id)`x`\n'"} {
		if got := shQuote(in); got != want {
			t.Errorf("%q: %s", in, got)
		}
	}
}

func TestASwitchThatIsNeitherOnNorOffSaysWhatIsWrong(t *testing.T) {
	for _, value := range []string{"1", "true", "YES", "", "0", "False", "no", "OFF"} {
		if odd := OddSwitches(func(string) string { return value }); len(odd) != 0 {
			t.Errorf("%q: %q", value, odd)
		}
	}
	for _, value := range []string{"on", "ture", "2", " 1", "enabled", strings.Repeat("x", 1000), "\x1b[31m"} {
		odd := OddSwitches(func(name string) string { return map[string]string{"HERMES_DASHBOARD": value}[name] })
		if len(odd) != 1 || !strings.HasPrefix(odd[0], "HERMES_DASHBOARD=\"") || !strings.Contains(odd[0], "1, true or yes") || len(odd[0]) > 200 || strings.Contains(odd[0], "\x1b") {
			t.Errorf("%q: %q", value, odd)
		}
	}
}
