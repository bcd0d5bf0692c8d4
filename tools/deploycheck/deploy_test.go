package deploycheck

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

const (
	manifests = "../../deploy/kubernetes/"
	compose   = "../../deploy/compose/compose.yaml"
)

// decode reads every document of a manifest; a field that Kubernetes does not know is an error.
func decode(text []byte) (sets []*appsv1.StatefulSet, services []*corev1.Service, secrets []*corev1.Secret, err error) {
	for i, doc := range bytes.Split(text, []byte("\n---\n")) {
		var kind struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal(doc, &kind); err != nil {
			return nil, nil, nil, fmt.Errorf("document %d: %w", i, err)
		}
		var into any
		switch kind.APIVersion + " " + kind.Kind {
		case "apps/v1 StatefulSet":
			sets = append(sets, &appsv1.StatefulSet{})
			into = sets[len(sets)-1]
		case "v1 Service":
			services = append(services, &corev1.Service{})
			into = services[len(services)-1]
		case "v1 Secret":
			secrets = append(secrets, &corev1.Secret{})
			into = secrets[len(secrets)-1]
		default:
			return nil, nil, nil, fmt.Errorf("document %d is of an unexpected kind: %+v", i, kind)
		}
		if err := yaml.UnmarshalStrict(doc, into); err != nil {
			return nil, nil, nil, fmt.Errorf("document %d, %s: %w", i, kind.Kind, err)
		}
	}
	return sets, services, secrets, nil
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func restricted(t *testing.T, set *appsv1.StatefulSet) policy.AggregateCheckResult {
	t.Helper()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	return policy.AggregateCheckResults(evaluator.EvaluatePod(level, &set.Spec.Template.ObjectMeta, &set.Spec.Template.Spec))
}

func TestManifestsAreWhatKubernetesPublishes(t *testing.T) {
	text := read(t, manifests+"hermes.yaml")
	sets, services, _, err := decode(text)
	if err != nil {
		t.Fatal(err)
	}
	if len(sets) != 1 || len(services) != 2 {
		t.Fatalf("%d stateful sets, %d services", len(sets), len(services))
	}
	if _, _, _, err := decode(bytes.Replace(text, []byte("readOnlyRootFilesystem"), []byte("readonlyRootFS"), 1)); err == nil {
		t.Error("a field that does not exist is taken")
	}
	set := sets[0]
	pod := set.Spec.Template
	labels, ports, heads := pod.Labels, map[string]bool{}, false
	for _, p := range pod.Spec.Containers[0].Ports {
		ports[p.Name] = true
	}
	for k, v := range set.Spec.Selector.MatchLabels {
		if labels[k] != v {
			t.Errorf("the set selects %s=%s, the pod has %v", k, v, labels)
		}
	}
	for _, s := range services {
		heads = heads || s.Name == set.Spec.ServiceName && s.Spec.ClusterIP == corev1.ClusterIPNone
		for k, v := range s.Spec.Selector {
			if labels[k] != v {
				t.Errorf("service %s selects %s=%s, the pod has %v", s.Name, k, v, labels)
			}
		}
		for _, p := range s.Spec.Ports {
			if !ports[p.TargetPort.StrVal] {
				t.Errorf("service %s points to port %s, which the pod does not name", s.Name, p.TargetPort.String())
			}
		}
	}
	if !heads {
		t.Errorf("%s is no headless service of the manifest", set.Spec.ServiceName)
	}
	for _, p := range []*corev1.Probe{pod.Spec.Containers[0].StartupProbe, pod.Spec.Containers[0].LivenessProbe, pod.Spec.Containers[0].ReadinessProbe} {
		if p == nil || p.HTTPGet == nil || !ports[p.HTTPGet.Port.StrVal] {
			t.Errorf("a probe is missing or asks a port that the pod does not name: %v", p)
		}
	}
}

func TestPodSecretKeysAreInTheExample(t *testing.T) {
	sets, _, _, err := decode(read(t, manifests+"hermes.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, _, secrets, err := decode(read(t, manifests+"secret.example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(secrets) != 1 {
		t.Fatalf("%d secrets in the example", len(secrets))
	}
	for _, e := range sets[0].Spec.Template.Spec.Containers[0].Env {
		if e.ValueFrom == nil {
			continue
		}
		ref := e.ValueFrom.SecretKeyRef
		if ref.Name != secrets[0].Name || secrets[0].StringData[ref.Key] == "" {
			t.Errorf("%s asks for %s/%s, which the example does not have", e.Name, ref.Name, ref.Key)
		}
	}
}

func TestPodPassesPodSecurityRestricted(t *testing.T) {
	sets, _, _, err := decode(read(t, manifests+"hermes.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if r := restricted(t, sets[0]); !r.Allowed {
		t.Errorf("refused: %s", r.ForbiddenDetail())
	}
	sets[0].Spec.Template.Spec.Containers[0].SecurityContext.Capabilities = nil
	if r := restricted(t, sets[0]); r.Allowed || !strings.Contains(r.ForbiddenDetail(), "capabilities") {
		t.Errorf("a pod that keeps its capabilities passes: %+v", r)
	}
}

func load(t *testing.T, text []byte, env map[string]string) (*types.Project, error) {
	t.Helper()
	return loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  t.TempDir(),
		ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: text}},
		Environment: env,
	})
}

func TestComposeFileIsWhatComposePublishes(t *testing.T) {
	text := read(t, compose)
	env := map[string]string{"HERMES_DASHBOARD_BASIC_AUTH_PASSWORD": "x"}
	p, err := load(t, text, env)
	if err != nil {
		t.Fatal(err)
	}
	if s := p.Services["hermes"]; !s.ReadOnly || s.HealthCheck == nil || len(s.CapDrop) != 1 || len(s.Volumes) != 1 {
		t.Errorf("the service is not what it should be: %+v", s)
	}
	if _, err := load(t, bytes.Replace(text, []byte("read_only"), []byte("readonly"), 1), env); err == nil {
		t.Error("a field that does not exist is taken")
	}
	if _, err := load(t, text, nil); err == nil || !strings.Contains(err.Error(), "set it in .env") {
		t.Errorf("without a password: %v", err)
	}
}
