package container_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// manifest has the fields of deploy/kubernetes that a test needs. tools/deploycheck compares the files with Kubernetes' own types.
type manifest struct {
	Kind       string
	StringData map[string]string `yaml:"stringData"`
	Spec       struct {
		Template struct {
			Spec struct {
				Grace           int `yaml:"terminationGracePeriodSeconds"`
				SecurityContext struct {
					RunAsUser  int `yaml:"runAsUser"`
					RunAsGroup int `yaml:"runAsGroup"`
					FSGroup    int `yaml:"fsGroup"`
				} `yaml:"securityContext"`
				Containers []podContainer
				Volumes    []struct {
					Name     string
					EmptyDir *struct{} `yaml:"emptyDir"`
				}
			}
		}
	}
}

type podContainer struct {
	Args            []string
	SecurityContext struct {
		Escalation   *bool `yaml:"allowPrivilegeEscalation"`
		ReadOnly     bool  `yaml:"readOnlyRootFilesystem"`
		Capabilities struct{ Drop []string }
	} `yaml:"securityContext"`
	Env []struct {
		Name, Value string
		From        struct {
			Key struct{ Key string } `yaml:"secretKeyRef"`
		} `yaml:"valueFrom"`
	}
	Ports []struct {
		Name string
		Port int `yaml:"containerPort"`
	}
	Startup   probe `yaml:"startupProbe"`
	Liveness  probe `yaml:"livenessProbe"`
	Readiness probe `yaml:"readinessProbe"`
	Mounts    []struct {
		Name string
		Path string `yaml:"mountPath"`
	} `yaml:"volumeMounts"`
}

type probe struct {
	HTTP struct{ Path, Port string } `yaml:"httpGet"`
}

// url returns the address that the kubelet requests, from inside the pod's network.
func (p probe) url(t *testing.T, c podContainer) string {
	t.Helper()
	for _, port := range c.Ports {
		if port.Name == p.HTTP.Port && p.HTTP.Path != "" {
			return fmt.Sprintf("http://127.0.0.1:%d%s", port.Port, p.HTTP.Path)
		}
	}
	t.Fatalf("the probe is %+v", p)
	return ""
}

func readManifests(t *testing.T, path string) (all []manifest) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var m manifest
		switch err := d.Decode(&m); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatal(err)
		}
		all = append(all, m)
	}
}

// TestPodOfTheManifest runs the image as deploy/kubernetes says, as far as docker can.
func TestPodOfTheManifest(t *testing.T) {
	parallel(t)
	var pod manifest
	for _, m := range readManifests(t, "../../deploy/kubernetes/hermes.yaml") {
		if m.Kind == "StatefulSet" {
			pod = m
		}
	}
	spec := pod.Spec.Template.Spec
	if len(spec.Containers) != 1 {
		t.Fatalf("containers: %+v", spec.Containers)
	}
	c, user := spec.Containers[0], spec.SecurityContext
	secret := readManifests(t, "../../deploy/kubernetes/secret.example.yaml")[0].StringData
	flags := []string{"--user", fmt.Sprintf("%d:%d", user.RunAsUser, user.RunAsGroup), "--group-add", fmt.Sprint(user.FSGroup)}
	if c.SecurityContext.ReadOnly {
		flags = append(flags, "--read-only")
	}
	if c.SecurityContext.Escalation != nil && !*c.SecurityContext.Escalation {
		flags = append(flags, "--security-opt", "no-new-privileges")
	}
	for _, name := range c.SecurityContext.Capabilities.Drop {
		flags = append(flags, "--cap-drop", name)
	}
	empty := map[string]bool{}
	for _, v := range spec.Volumes {
		empty[v.Name] = v.EmptyDir != nil
	}
	var vol string
	for _, m := range c.Mounts {
		// A new volume has the mode that fsGroup gives it; an empty directory can be written by everybody.
		v, mode := volume(t), "2775"
		if empty[m.Name] {
			mode = "2777"
		} else {
			vol = v
		}
		must(t, "run", "--rm", "--network", "none", "-v", v+":/v", "--user", "0", "--entrypoint", "sh", image, "-c",
			fmt.Sprintf("chown 0:%d /v && chmod %s /v", user.FSGroup, mode))
		flags = append(flags, "-v", v+":"+m.Path+":nocopy")
	}
	var env []string
	for _, e := range c.Env {
		value := e.Value
		if e.From.Key.Key != "" {
			value = secret[e.From.Key.Key]
		}
		if value == "" {
			t.Errorf("%s has no value", e.Name)
		}
		env = append(env, e.Name+"="+value)
	}
	if vol == "" || len(flags) != 15 {
		t.Errorf("the manifest says less than it did: %q on %q", flags, vol)
	}
	b := start(t, options{flags: flags, env: env}, c.Args...)

	answers := func(p probe, want int) {
		t.Helper()
		url := p.url(t, c)
		eventually(t, soon, fmt.Sprintf("%s answers %d", url, want), func() error {
			if r := b.http("GET", url, ""); r.Status != want {
				return fmt.Errorf("%+v", r)
			}
			return nil
		})
	}
	answers(c.Startup, 200)
	answers(c.Liveness, 200)
	answers(c.Readiness, 200)
	for _, address := range []string{"address=[::]:8642", "address=0.0.0.0:9119"} { // all addresses, written in different ways
		log := strings.ReplaceAll(b.allLogs(), "0.0.0.0:8642", "[::]:8642")
		if len(linesWith(log, address)) != 1 {
			t.Errorf("nothing outside the pod can ask: no %s in\n%s", address, log)
		}
	}
	if strings.Contains(b.allLogs(), "/run cannot be used") {
		t.Errorf("the trees are not in /run:\n%s", b.allLogs())
	}

	first := b.serves("", "default", never)
	b.mustExec("", "hermes", "profile", "create", "coder", "--start")
	b.mustExec("", "hermes", "doctor")
	b.mustExec("", "sh", "-c", fmt.Sprintf("kill -9 %d", first.pid))
	b.serves("", "default", first)
	// A gateway that was stopped on purpose is not ready, but that is no reason to restart the pod.
	b.mustExec("", "hermes", "gateway", "stop")
	if r := b.http("GET", c.Readiness.url(t, c), ""); r.Status == 200 {
		t.Errorf("a stopped gateway is ready: %+v", r)
	}
	answers(c.Liveness, 200)
	b.mustExec("", "hermes", "gateway", "start")
	answers(c.Readiness, 200)

	must(t, "restart", "-t", fmt.Sprint(spec.Grace), b.name)
	answers(c.Readiness, 200)
	b.serves("", "coder", never)
	must(t, "stop", "-t", fmt.Sprint(spec.Grace), b.name)
	if code := b.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if log := b.allLogs(); strings.Contains(log, secret["password"]) {
		t.Error("the password is in the log")
	}
}
