package container

import (
	"strings"
	"testing"

	"hermes/internal/service"
)

func applies(kind service.Kind, noSupervise bool, env ...string) bool {
	return Redirect{Kind: kind, NoSupervise: noSupervise, Getenv: vars(env...)}.Applies()
}

func TestTheRedirectAppliesUnderS6WhenNobodyObjects(t *testing.T) {
	if !applies(service.KindS6, false) {
		t.Error("it does not")
	}
}

// Each of the next three tests fails if only its gate is removed, because the other two gates let the redirect pass.

func TestDetectionGateKeepsTheForegroundWithoutS6(t *testing.T) {
	for _, kind := range []service.Kind{service.KindNone, "", "systemd", "local", "launchd", "windows", "S6"} {
		if applies(kind, false) {
			t.Errorf("redirected under %q", kind)
		}
	}
}

func TestDetectionGateOpensForTheContainersOwnEmbeddedSupervisor(t *testing.T) {
	r := Redirect{Kind: service.KindLocal, Embedded: true, Getenv: vars()}
	if !r.Applies() {
		t.Error("it does not open")
	}
	r.Kind = service.KindNone
	if r.Applies() {
		t.Error("it opens although no supervisor takes commands")
	}
}

func TestRecursionGuardKeepsASupervisedChildFromItself(t *testing.T) {
	if applies(service.KindS6, false, SupervisedChild+"=1") {
		t.Error("a supervised child would start itself, for ever")
	}
	// Only the value that the run script exports counts.
	for _, other := range []string{"", "0", "true"} {
		if !applies(service.KindS6, false, SupervisedChild+"="+other) {
			t.Errorf("%q passes for a supervised child", other)
		}
	}
}

func TestOptOutGateIsObeyed(t *testing.T) {
	if applies(service.KindS6, true) {
		t.Error("--no-supervise is ignored")
	}
	for _, value := range []string{"1", "true", "YES", "Yes"} {
		if applies(service.KindS6, false, OptOut+"="+value) {
			t.Errorf("%s=%s is ignored", OptOut, value)
		}
	}
}

func TestOptOutGateOpensForNothingButItsThreeWords(t *testing.T) {
	for _, value := range []string{"", "0", "on", "no", "ture", "false", " 1"} {
		if !applies(service.KindS6, false, OptOut+"="+value) {
			t.Errorf("%s=%q opts out", OptOut, value)
		}
	}
}

func TestTheBreadcrumbIsOneLineThatNamesBothOptOuts(t *testing.T) {
	breadcrumb := Redirect{Kind: service.KindS6}.Breadcrumb()
	if strings.Contains(breadcrumb, "\n") {
		t.Error("it has several lines")
	}
	if other := (Redirect{Kind: service.KindLocal}).Breadcrumb(); !strings.Contains(other, "embedded") || strings.Contains(other, "s6") {
		t.Errorf("without s6 it is %q", other)
	}
	for _, part := range []string{"s6", "--no-supervise", OptOut + "=1"} {
		if !strings.Contains(breadcrumb, part) {
			t.Errorf("it does not name %s", part)
		}
	}
	if SupervisedChild != "HERMES_S6_SUPERVISED_CHILD" || OptOut != "HERMES_GATEWAY_NO_SUPERVISE" {
		t.Error("a variable of the contract has another name")
	}
}
