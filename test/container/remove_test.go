package container_test

import (
	"os"
	"path/filepath"
	"testing"

	"hermes/test/container/docker"
)

// TestWhatACutOffRunMadeIsRemoved: what an interrupted run could not clean up is removed, and nothing else.
func TestWhatACutOffRunMadeIsRemoved(t *testing.T) {
	parallel(t)
	other := volume(t)
	prefix := uniqueName(t) + "-cut-off-"
	dir := filepath.Join(t.TempDir(), "of the run")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	done, err := docker.RemoveAfter(prefix, dir)
	if err != nil {
		t.Fatal(err)
	}
	must(t, "volume", "create", prefix+"named")
	must(t, "tag", image, prefix+"image")
	must(t, "run", "-d", "--name", prefix+"runs", "--network", "none", "-v", prefix+"named:/opt/data", "-v", "/anonymous", prefix+"image", "sleep", "infinity")
	anonymous := must(t, "inspect", "--format", `{{range .Mounts}}{{if eq .Destination "/anonymous"}}{{.Name}}{{end}}{{end}}`, prefix+"runs").Stdout
	if err := done(); err != nil {
		t.Fatal(err)
	}
	for _, gone := range [][]string{
		{"container", "inspect", prefix + "runs"}, {"volume", "inspect", prefix + "named"}, {"image", "inspect", prefix + "image"},
		{"volume", "inspect", anonymous[:64]},
	} {
		if r := do(t, gone...); r.Code == 0 {
			t.Errorf("it is still there: %s", r)
		}
	}
	if _, err := os.Lstat(dir); !os.IsNotExist(err) {
		t.Errorf("the directory: %v", err)
	}
	must(t, "volume", "inspect", other)
	must(t, "image", "inspect", image)
}
