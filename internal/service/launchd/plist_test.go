package launchd

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hermes/internal/profile"
	"hermes/internal/service"
	"hermes/internal/service/hosted"
	"hermes/internal/service/restart"
)

var update = flag.Bool("update", false, "write the golden files")

func gatewayID(t *testing.T, name string) service.ID {
	t.Helper()
	n, err := profile.ParseName(name)
	if err != nil {
		t.Fatal(err)
	}
	return service.Gateway(n)
}

func coder(t *testing.T) hosted.Definition {
	return hosted.Definition{
		ID: gatewayID(t, "coder"), Home: "/home/me/.hermes", Program: "/usr/local/bin/hermes", Kind: service.KindLaunchd,
		KillAfter: 25 * time.Second, Rule: restart.Default(),
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != strings.ReplaceAll(string(want), "\r\n", "\n") {
		t.Errorf("%s is not what is made now; `go test ./internal/service/launchd -update` writes it:\n%s", path, got)
	}
}

func TestJobsAreTheGoldenOnes(t *testing.T) {
	agent := coder(t)
	agent.Home = "/Users/me/<Q&A>/.hermes"
	daemon := agent
	daemon.User = "me"
	for name, d := range map[string]hosted.Definition{"agent.plist": agent, "daemon.plist": daemon} {
		text, err := render(d)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name, string(text))
		if home, ok := plistHome(text); !ok || home != d.Home {
			t.Errorf("%s: its home is read as %q, %t", name, home, ok)
		}
	}
	if home, ok := plistHome([]byte("<plist/>")); ok {
		t.Errorf("a job that we did not make is %q's", home)
	}
}

// TestAJobMadeByHandIsReadToo: jobs that an earlier version made belong to this home too.
func TestAJobMadeByHandIsReadToo(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "earlier.plist"))
	if err != nil {
		t.Fatal(err)
	}
	if home, ok := plistHome(data); !ok || home != "/Users/me/<Q&A>/.hermes" {
		t.Errorf("its home is read as %q, %t", home, ok)
	}
}

func FuzzPlistHome(f *testing.F) {
	for _, s := range []string{"", "<plist/>", madeByUs + "<plist><dict><key>EnvironmentVariables</key><dict><key>HERMES_HOME</key><string>/a</string></dict></dict></plist>", "<key>HERMES_HOME</key>\n\t\t<string>/a</string>"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, job []byte) {
		if home, ok := plistHome(job); ok && !strings.Contains(string(job), "HERMES_HOME") {
			t.Errorf("%q is %q's", job, home)
		}
	})
}
