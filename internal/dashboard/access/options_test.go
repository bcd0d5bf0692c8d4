package access

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func vars(pairs ...string) func(string) string {
	m := map[string]string{}
	for _, p := range pairs {
		name, value, _ := strings.Cut(p, "=")
		m["HERMES_DASHBOARD_"+name] = value
	}
	return func(name string) string { return m[name] }
}

func TestWithoutCredentialsItListensOnLoopbackOrNotAtAll(t *testing.T) {
	user, pass := "BASIC_AUTH_USERNAME=ann", "BASIC_AUTH_PASSWORD="+password
	for _, host := range []string{"", "localhost", "127.0.0.1", "::1", "127.3.2.1"} {
		if _, err := FromEnv(vars("HOST=" + host)); err != nil {
			t.Errorf("%q: %v", host, err)
		}
	}
	for _, half := range []string{user, pass} {
		if _, err := FromEnv(vars(half)); err == nil {
			t.Errorf("on loopback %q was taken for no credentials at all", half)
		}
	}
	for _, host := range []string{"0.0.0.0", "::", "10.0.0.1", "example.org", "127.0.0.1.example.org", "*"} {
		for _, some := range [][]string{nil, {user}, {pass}, {user, "BASIC_AUTH_PASSWORD="}} {
			_, err := FromEnv(vars(append(some, "HOST="+host)...))
			var wrong *VariableError
			if !errors.As(err, &wrong) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), password) ||
				!strings.Contains(err.Error(), host+" without credentials; set HERMES_DASHBOARD_BASIC_AUTH_USERNAME and HERMES_DASHBOARD_BASIC_AUTH_PASSWORD") {
				t.Errorf("%q with %q: %v", host, some, err)
			}
		}
		if c, err := FromEnv(vars(user, pass, "HOST="+host, "PORT=80")); err != nil || c.Address() != net.JoinHostPort(host, "80") || c.Username != "ann" || c.Password != password {
			t.Errorf("%q with credentials: %+v, %v", host, c, err)
		}
	}
}

func TestAWrongPortIsNamed(t *testing.T) {
	for _, port := range []string{"0", "65536", "x", "-1", "80 "} {
		_, err := FromEnv(vars("PORT=" + port))
		if err == nil || !strings.Contains(err.Error(), "HERMES_DASHBOARD_PORT=\""+port+"\": want a number from 1 to 65535") {
			t.Errorf("%q: %v", port, err)
		}
	}
	if c, err := FromEnv(vars()); err != nil || c.Port != 9119 || c.Host != "127.0.0.1" {
		t.Errorf("defaults: %+v, %v", c, err)
	}
}

func TestSecretsMayComeFromFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := write("password", password+"\n")
	link := filepath.Join(dir, "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	c, err := FromEnv(vars("BASIC_AUTH_USERNAME=ann", "BASIC_AUTH_PASSWORD_FILE="+link, "HOST=0.0.0.0"))
	if err != nil || c.Password != password {
		t.Errorf("%v", err)
	}
	for what, v := range map[string][]string{
		"both": {"BASIC_AUTH_PASSWORD=x", "BASIC_AUTH_PASSWORD_FILE=" + file}, "missing": {"BASIC_AUTH_PASSWORD_FILE=" + file + "x"},
		"empty": {"BASIC_AUTH_PASSWORD_FILE=" + write("empty", "\n")}, "large": {"BASIC_AUTH_PASSWORD_FILE=" + write("large", strings.Repeat("x", 5000))},
		"directory": {"BASIC_AUTH_PASSWORD_FILE=" + dir},
	} {
		_, err := FromEnv(vars(append(v, "BASIC_AUTH_USERNAME=ann")...))
		var wrong *VariableError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "HERMES_DASHBOARD_BASIC_AUTH_PASSWORD_FILE") || strings.Contains(err.Error(), "xxx") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestAWrongVariableIsNamed(t *testing.T) {
	for variable, want := range map[string]string{
		"BASIC_AUTH_SECRET=short": "fewer than 16", "METRICS_TOKEN=short": "fewer than 16", "TRUSTED_PROXIES=10.0.0.0/33": `"10.0.0.0/33"`,
		"TRUSTED_PROXIES=proxy": `"proxy"`, "ALLOWED_HOSTS=https://x": `"https://x"`, "ALLOWED_HOSTS=*": `"*"`, "PUBLIC_URL=hermes.example": "want an address",
		"PUBLIC_URL=https://a:b@x": "want an address", "PUBLIC_URL=https://x/?a=b": "want an address", "PUBLIC_URL=https://x/a%20b": "no path like /hermes", "PUBLIC_URL=https://x//a": "no path like /hermes", "BASIC_AUTH_PASSWORD=$2a$nonsense": "begins like a bcrypt hash",
	} {
		_, err := FromEnv(vars("BASIC_AUTH_USERNAME=ann", "BASIC_AUTH_PASSWORD="+password, variable))
		name, value, _ := strings.Cut(variable, "=")
		if err == nil || !strings.Contains(err.Error(), "HERMES_DASHBOARD_"+name) || !strings.Contains(err.Error(), want) || value == "short" && strings.Contains(err.Error(), "short") {
			t.Errorf("%s: %v", variable, err)
		}
	}
}
