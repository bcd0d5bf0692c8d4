package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// promise is one thing that hermes must do. Its number is never given to another promise, because tests and comments refer to it.
type promise struct {
	row, text string
	// proof names tests: a package and a regular expression of their names without "Test". Each must match some.
	proof []proof
	// missing says why there is no proof.
	missing string
}

type proof struct{ dir, tests string }

const (
	inContainers = "test/container"
	inCLI        = "internal/cli"
	inBoot       = "internal/boot"
	inOperate    = "internal/operate"
	inService    = "internal/service"
	inS6         = "internal/service/s6"
	inRestart    = "internal/service/restart"
	inProfile    = "internal/profile"
	inPorts      = "internal/profile/ports"
	inDashboard  = "internal/dashboard"
	inGateway    = "internal/gateway"
	inInit       = "internal/container"
)

// notBuilt says why there is no proof of a promise that is for later.
const notBuilt = "not built yet"

var promises = []promise{
	{row: "M1", text: "`docker run IMAGE gateway run` is supervised, and the container stays up.", proof: []proof{{inContainers, "GatewayRunIsSupervised|BareGatewayIsSupervisedToo"}, {inInit, "TheRedirectApplies.*"}}},
	{row: "M2", text: "Elsewhere `gateway run` runs in the foreground, with the gateway's exit code.", proof: []proof{{inContainers, "NoSuperviseMakesTheGatewaysCodeTheContainers|ForegroundGatewayIsAGoodPID1"}, {inInit, "DetectionGate.*"}}},
	{row: "M3", text: "Three gates keep the redirect away: detection, the guard of a supervised child, the opt-out.", proof: []proof{{inContainers, "GateChild|GateDetection|OnlyStrictValuesOptOut"}, {inInit, "DetectionGate.*|RecursionGuard.*|OptOutGate.*|OnlyThreeWords.*"}}},
	{row: "M4", text: "One line on standard error says that the gateway is supervised, and how to opt out.", proof: []proof{{inContainers, "GatewayRunIsSupervised|NoSuperviseRunsTheGatewayAsTheCommand"}, {inInit, "TheBreadcrumb.*"}}},
	{row: "M5", text: "A crashed gateway comes back and the container does not notice; profiles and the dashboard run side by side.", proof: []proof{{inContainers, "Killed.*|GatewayThatIsKilledAgainAndAgainComesBack|FleetKilledSupervisionComesBack|DashboardRunsBesideTheGateway|DashboardIs.*"}}},
	{row: "M6", text: "`docker stop` ends everything cleanly, with the right exit code.", proof: []proof{{inContainers, "DockerStop.*|ExitCode.*|StubbornProcessIsKilledAtStopInTime|CtrlCOf.*"}}},
	{row: "M7", text: "Errors of lifecycle commands are typed and readable.", proof: []proof{{inContainers, "FleetTypoIsNamedByteForByte|FleetRefusedS6CommandIsReadable|UnknownProfileIsNamedNotTraced"}, {inService, "ErrorTexts"}}},
	{row: "M8", text: "`stop --all` and `restart --all` go through every slot and count; `start --all` is refused.", proof: []proof{{inContainers, "Fleet(StopAll|RestartAll|StartAll|PartialFailure).*"}}},
	{row: "M9", text: "A boot makes every slot anew and starts those that ran; one broken profile stops no other.", proof: []proof{{inContainers, "Fleet(BootTable|SurvivesTenRestarts|HostileVolume.*|HostileRootHome|BootstrapState.*)|GatewayThatRanComesBackAfterRestart"}, {inBoot, "EveryRowOfTheBootTable|ABootBringsBackExactlyThoseThatRan|OneProfilesTroubleNeverStopsTheOthers|TheBootLogIs.*|GatewayDefaultIsAlwaysRegistered"}}},
	{row: "M10", text: "`profile create`, `delete`, `rename`, `import` and `clone` keep slots and profiles together.", proof: []proof{{inContainers, "Fleet(Create|Delete|Rename).*"}, {inOperate, "Delete.*|Rename.*|FirstStart.*"}}},
	{row: "M11", text: "A named profile has a port that follows from its name and never moves.", proof: []proof{{inPorts, "DerivedPortsNeverMove|APortIs.*|APortThat.*|TheSearchForAPort.*"}, {inContainers, "FleetCollidingPortsBothServe|FleetCreateMovesAPortThatIsOwned"}}},
	{row: "M12", text: "Lifecycle commands ask the service manager in charge, and refuse with a way out where there is none.", proof: []proof{{inContainers, "LifecycleCommandsReturnWhenItIsTrue|Restricted.*"}, {inCLI, "Stories"}, {inOperate, "EachGatewayIsAskedOfItsOwnManager"}}},
	{row: "M13", text: "`status` names the manager.", proof: []proof{{inContainers, "StatusAndListSpeakJSON|GatewayIsAServiceOf.*|Restricted.*|ImageWithoutS6.*"}}},
	{row: "M14", text: "`-p NAME` works anywhere in the command line; without it, `default` is meant.", proof: []proof{{inContainers, "FleetTypoIsNamedByteForByte|FleetCommandsAtOnceLeaveOneTruth"}, {inCLI, "Stories"}}},
	{row: "M15", text: "`docker exec C hermes` needs no tricks, becomes the runtime user, and a boot heals ownership.", proof: []proof{{inContainers, "DockerExec.*|FleetHealsOwnershipAtBoot|HealingLeavesMountsAlone|UIDRemap.*|DoctorHeals.*"}, {inBoot, "NoLinkIsFollowed|TreesThatAreRightAreNotWalked|HealSettlesAfterOneRun"}}},
	{row: "M16", text: "The slot's run script runs the command line that people type.", proof: []proof{{inS6, "SlotsRunTheRealCommandLine|ScriptsAreCleanToShellcheck"}}},
	{row: "M17", text: "The documents say that a gateway is supervised, where, and how to opt out.", proof: []proof{{"internal/lint", "TheDocumentsSayThatAGatewayIsSupervised"}}},
	{row: "M18", text: "Container tests drive the image with docker; Dockerfiles and scripts are linted.", proof: []proof{{inContainers, "NoRecursion|NoSupervise.*|GatewayRunIsSupervised|WhatACutOffRunMadeIsRemoved"}}},
	{row: "M19", text: "One interface has s6, systemd, launchd and Windows behind it.", proof: []proof{{inS6, "ManagerKeepsTheContract"}, {"internal/service/systemd", "ManagerKeepsTheContract|UnitsAre.*"}, {"internal/service/launchd", "AJob.*|JobsAre.*"}, {"internal/service/windows", "AWindowsService.*"}, {"internal/service/local", "ManagerKeepsTheContract"}, {inContainers, "SystemdKeepsTheManagersContract"}}},

	{row: "B1", text: "The tree of gateways is the runtime user's; nothing that root executes can be written by it.", proof: []proof{{inContainers, "Nothing.*|RuntimeUserCannotBecomeRoot|ServiceOfTheRuntimeUser.*|ProcessesOfTheRuntimeUser.*|PlantedLinks.*|RootsTree.*"}}},
	{row: "B2", text: "Backoff grows, ends in a visible \"gave up\", and `gateway start` clears it.", proof: []proof{{inContainers, "FleetCrashLoop.*|FleetCommandsCutABackoffShort|TakenPortIsReportedAndRetriedWithBackoff"}, {inRestart, "BackoffDecides|JitterIs.*"}}},
	{row: "B3", text: "A wrong configuration (78) and a clean end (0) are not restarted.", proof: []proof{{inContainers, "WrongConfigIsReportedOnce|RepairedConfigStartsAgain|FleetWrongConfig.*"}, {inRestart, "AnExitMeansWhatTheContractSays|The.*SaysWhatTheTableSays"}}},
	{row: "B4", text: "`start`, `restart` and `stop` return when it is so, or say why not.", proof: []proof{{inContainers, "LifecycleCommandsReturnWhenItIsTrue|WrongConfigIsReportedOnce|TakenPort.*"}, {inS6, "ManagerKeepsTheContract"}}},
	{row: "B5", text: "A gateway that lives and is stuck is noticed and restarted.", missing: notBuilt},
	{row: "B6", text: "Of two containers on one volume one supervises, and the other says so.", proof: []proof{{inContainers, "ForeignLockHolderIsReported|SecondGatewayOfAHomeIsRefusedAndNamesTheHolder"}}},
	{row: "B7", text: "It is supervised without root, with a read-only root file system, and when it is not PID 1.", proof: []proof{{inContainers, "Restricted.*|InitThatSees.*|PodOfTheManifest|UserThatCannotWrite.*"}}},
	{row: "B8", text: "A gateway and what it starts cannot read or signal another profile's.", missing: notBuilt},
	{row: "B9", text: "No message is lost when a gateway is killed.", proof: []proof{{inContainers, "KilledGatewayIsReadyAgainAndRemembers|FleetGatewayKilledWhileDrainingComesBack|DockerStopLetsARunningTurnFinish"}, {inGateway, "KilledGatewayComesBackAtOnceAndRemembers|Drain.*|SecondSignal.*"}, {"internal/store", "AppendIsAllOrNothing|Migration.*"}}},
	{row: "B10", text: "`hermes up` supervises without s6 and without a container.", proof: []proof{{inContainers, "Up.*|ImageWithoutS6.*|ImageWithNothingButHermes|MakeUpOnAFreshMachine"}, {"internal/service/local", ".*"}}},
	{row: "B11", text: "Health, readiness, metrics, and a health check for docker.", proof: []proof{{inContainers, "HealthcheckTellsAReadyGateway"}, {inDashboard, "TheMetricsAre.*|TheGrafana.*|HealthIs.*"}, {"internal/channel/apiserver", "Ready.*"}}},
	{row: "B12", text: "The dashboard shows what is so, and acts on it.", proof: []proof{{inContainers, "Browser.*|DashboardTruthfully.*|AThousandStreams.*"}, {inDashboard, "AChangeOfAStateFileIsAnEvent|ALineOfALogIsAnEvent|TheAPI.*"}}},
	{row: "B13", text: "The same commands on a cluster.", missing: notBuilt},
	{row: "B14", text: "Boot, stop and every command are fast.", missing: "`make bench` measures it; a test does not judge speed"},
	{row: "B15", text: "Every command speaks JSON, has documented exit codes and completion.", proof: []proof{{inCLI, "Stories|JSONSays.*"}, {"internal/cli/gen", "CommittedDocumentsAreCurrent"}, {inContainers, "StatusAndListSpeakJSON"}}},
	{row: "B16", text: "A thousand profiles in one container.", missing: "`make bench` runs a thousand; UpWith200Profiles runs two hundred in each test run"},
	{row: "B17", text: "A message is kept before its platform is told, and answered once.", missing: notBuilt},
	{row: "B18", text: "What it costs is known and can be capped.", missing: notBuilt},
	{row: "B19", text: "Configuration is applied without a restart where that can be.", missing: notBuilt},
	{row: "B20", text: "A volume of hermes-agent works as it is, and is left as it was.", missing: notBuilt},
	{row: "B21", text: "An upgrade that does not work goes back; backups are verified.", proof: []proof{{"internal/store", "ABackup.*"}}},
	{row: "B22", text: "Nobody who can write the volume, reach the port or make an archive gets further than that.", proof: []proof{{inContainers, "RootsCommands.*|ABootsHealing.*|HealingLeaves.*|NothingThatHasSteppedDown.*|AProgramThat.*|EachProcessGetsItsOwnVariablesOnly|RequestsThatNeverArrive.*|TheDashboardTellsNoSecret"}, {"internal/volume", ".*Exchanged.*|NamesThatLeadOut.*|RootFollows.*|HealStopsAtMounts|RemoveAllStopsAtMounts"}, {inProfile, "NoFile.*"}, {inProfile + "/archive", "WhatAnArchiveMayNotDo|NoArchiveMakesMoreThanItMay"}, {inProfile + "/config", "Nothing.*|NoFile.*"}, {"internal/httpguard", ".*"}, {"internal/dashboard/access", ".*"}}},
}

var testName = regexp.MustCompile(`(?m)^func Test([A-Z][A-Za-z0-9_]*)\(`)

// proofs returns the text of docs/promises.md.
func proofs(root string) (string, error) {
	var b strings.Builder
	b.WriteString("# Promises\n\n" + notice)
	b.WriteString("What hermes must do, and which tests prove it. The numbers are used in comments and issues.\n\n| | promise | proved by |\n| --- | --- | --- |\n")
	for _, p := range promises {
		cell := p.missing
		if cell == "" {
			var parts []string
			for _, f := range p.proof {
				names, err := testsOf(root, f)
				if err != nil {
					return "", fmt.Errorf("%s: %w", p.row, err)
				}
				parts = append(parts, fmt.Sprintf("`%s`: %s", f.dir, strings.Join(names, ", ")))
			}
			cell = strings.Join(parts, "; ")
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", p.row, p.text, cell)
	}
	return b.String(), nil
}

// testsOf returns the names, without "Test", of those tests of a package that match.
func testsOf(root string, f proof) ([]string, error) {
	pattern, err := regexp.Compile("^(?:" + f.tests + ")$")
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(f.dir), "*_test.go"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, m := range testName.FindAllSubmatch(text, -1) {
			if name := string(m[1]); name != "Main" && pattern.MatchString(name) {
				names = append(names, name)
			}
		}
	}
	for alternative := range strings.SplitSeq(f.tests, "|") {
		if strings.ContainsAny(f.tests, "()") {
			break // the | is inside parentheses
		}
		one := regexp.MustCompile("^(?:" + alternative + ")$")
		if !slices.ContainsFunc(names, one.MatchString) {
			return nil, fmt.Errorf("no test of %s is called %s", f.dir, alternative)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no test of %s is called %s", f.dir, f.tests)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
