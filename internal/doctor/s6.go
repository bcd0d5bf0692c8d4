package doctor

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"hermes/internal/service"
)

// tools are the s6 programs that the slots, the manager and the image call.
var tools = []string{
	"s6-svscan", "s6-supervise", "s6-svscanctl", "s6-svc", "s6-svstat", "s6-svwait", "s6-svdt", "s6-svdt-clear",
	"s6-ftrig-listen1", "s6-log", "s6-setlock",
}

// imageTools are the s6 programs that only the trees of the image need.
var imageTools = []string{"s6-envdir", "s6-applyuidgid"}

// minMajor and minMinor are the oldest s6 version that has everything we use.
const minMajor, minMinor = 2, 11

func checkS6(ctx context.Context, e *examination) []Finding {
	if e.Manager != nil && e.Manager.Kind() != service.KindS6 {
		return nil
	}
	if e.Manager == nil && !e.Image {
		what, mend := "no service manager is in charge of gateways here", "`hermes up` supervises them all; `hermes gateway install` makes one a service of the host"
		if e.Container {
			mend = "start the container with the image's own entrypoint, or run `hermes gateway run` as its command"
		}
		return []Finding{{Severity: Note, What: what, Mend: mend}}
	}
	if e.Manager == nil && e.Embedded {
		return []Finding{{Severity: Error, What: "the supervisor of the gateways is not running",
			Mend: "this container's init starts it again within seconds: `docker logs` says why it ends; if it stays away, restart the container"}}
	}
	var found []Finding
	if e.Manager == nil {
		found = append(found, Finding{Severity: Error, What: "the supervisor is not running: nobody serves " + e.Scandir,
			Mend: "start the container with the image's own entrypoint (no --entrypoint)"})
	}
	wanted := tools
	if e.Image {
		wanted = append(wanted[:len(wanted):len(wanted)], imageTools...)
	}
	var missing []string
	for _, tool := range wanted {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, tool)
		}
	}
	if len(missing) > 0 {
		return append(found, Finding{Severity: Error, What: "programs of s6 are missing: " + strings.Join(missing, ", "), Mend: "install s6, at least 2.11, and see that it is on PATH"})
	}
	return append(found, checkVersion(ctx)...)
}

func checkVersion(ctx context.Context) []Finding {
	major, minor, ok := s6Version(ctx)
	if !ok {
		if _, err := exec.LookPath("s6-instance-maker"); err == nil { // new in 2.11.2
			return nil
		}
		return []Finding{{Severity: Note, What: "cannot tell the version of s6", Mend: fmt.Sprintf("see that it is at least %d.%d", minMajor, minMinor)}}
	}
	if major < minMajor || major == minMajor && minor < minMinor {
		return []Finding{{Severity: Error, What: fmt.Sprintf("s6 is version %d.%d; %d.%d is the oldest that works", major, minor, minMajor, minMinor),
			Mend: "install a newer s6"}}
	}
	return nil
}

// s6Version finds out the version of s6. s6 has no --version, so it asks the package manager that installed s6, or looks at the
// number of the library with which its programs are linked.
func s6Version(ctx context.Context) (major, minor int, ok bool) {
	if out, err := exec.CommandContext(ctx, "dpkg-query", "--show", "--showformat", "${Version}", "s6").Output(); err == nil {
		if major, minor, ok := twoNumbers(packageVersion, out); ok {
			return major, minor, true
		}
	}
	path, err := exec.LookPath("s6-svscan")
	if err != nil {
		return 0, 0, false
	}
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, false
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 4<<20))
	if err != nil {
		return 0, 0, false
	}
	return twoNumbers(librarySuffix, data)
}

var (
	packageVersion = regexp.MustCompile(`^(?:\d+:)?(\d+)\.(\d+)`)
	librarySuffix  = regexp.MustCompile(`libs6\.so\.(\d+)\.(\d+)`)
)

func twoNumbers(re *regexp.Regexp, data []byte) (major, minor int, ok bool) {
	m := re.FindSubmatch(data)
	if m == nil {
		return 0, 0, false
	}
	major, err1 := strconv.Atoi(string(m[1]))
	minor, err2 := strconv.Atoi(string(m[2]))
	return major, minor, err1 == nil && err2 == nil
}
