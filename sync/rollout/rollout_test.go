package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/perch-gitops/perch/sync/health"
	"github.com/perch-gitops/perch/sync/rollout"
)

func TestAGoodRevisionIsConfirmedAndStamped(t *testing.T) {
	m := newMachine(t)
	next := revision("c1", "etcd=etcd:1", "kube-apiserver=api:1")
	m.apply(next, rollout.Confirmed)
	if got := m.files(); got != "etcd.yaml=etcd:1 kube-apiserver.yaml=api:1" {
		t.Error(got)
	}
	if stamp := m.read("etcd.yaml").Stamp; stamp.Digest != next.Manifests[0].Digest || stamp.Attempt == 0 {
		t.Errorf("stamp %+v", stamp)
	}
	if state := m.History.State(); state.Confirmed.Commit != "c1" || state.InFlight != nil {
		t.Errorf("state %+v", state)
	}
	m.apply(next, rollout.Unchanged)
}

func TestPodsChangeOneAtATimeInTheOrderOfTheirWaves(t *testing.T) {
	m := newMachine(t)
	m.apply(revision("c1", "web=web:1", "old=old:1"), rollout.Confirmed)
	var looks []string
	m.judge = func(_ context.Context, want health.Want) error {
		var gone []string
		for _, manifest := range want.Gone {
			gone = append(gone, manifest.Name)
		}
		looks = append(looks, fmt.Sprintf("%s / %d wanted, gone %v", m.files(), len(want.Running), gone))
		return nil
	}
	m.apply(revision("c2", "web=web:1", "kube-scheduler=s:1", "kube-apiserver=api:1", "etcd=etcd:1", "a=a:1"), rollout.Confirmed)
	want := []string{
		"etcd.yaml=etcd:1 old.yaml=old:1 web.yaml=web:1 / 1 wanted, gone []",
		"etcd.yaml=etcd:1 kube-apiserver.yaml=api:1 old.yaml=old:1 web.yaml=web:1 / 2 wanted, gone []",
		"etcd.yaml=etcd:1 kube-apiserver.yaml=api:1 kube-scheduler.yaml=s:1 old.yaml=old:1 web.yaml=web:1 / 3 wanted, gone []",
		"a.yaml=a:1 etcd.yaml=etcd:1 kube-apiserver.yaml=api:1 kube-scheduler.yaml=s:1 old.yaml=old:1 web.yaml=web:1 / 5 wanted, gone []",
		"a.yaml=a:1 etcd.yaml=etcd:1 kube-apiserver.yaml=api:1 kube-scheduler.yaml=s:1 web.yaml=web:1 / 5 wanted, gone [old]",
	}
	if !slices.Equal(looks, want) {
		t.Errorf("looked at\n%s\nwant\n%s", strings.Join(looks, "\n"), strings.Join(want, "\n"))
	}
}

func TestPodsOfLaterWavesAreNotJudgedBeforeTheirTime(t *testing.T) {
	m := newMachine(t)
	m.apply(revision("c1", "kube-apiserver=api:1", "kube-scheduler=s:1"), rollout.Confirmed)
	var looks []int
	m.judge = func(_ context.Context, want health.Want) error {
		looks = append(looks, len(want.Running))
		return nil
	}
	m.apply(revision("c2", "kube-apiserver=api:2", "kube-scheduler=s:1"), rollout.Confirmed)
	if !slices.Equal(looks, []int{1, 2}) { // the scheduler exits while the API server is away, and must not be blamed on it
		t.Errorf("looked at %v Pods", looks)
	}
}

func TestABadRevisionIsTakenBackAndNotTriedAgain(t *testing.T) {
	m := newMachine(t)
	m.apply(revision("c1", "etcd=etcd:1", "kube-apiserver=api:1"), rollout.Confirmed)
	before := m.read("kube-apiserver.yaml").Stamp.Attempt
	m.judge = sickIf("api:bad")
	bad := revision("c2", "etcd=etcd:2", "kube-apiserver=api:bad", "new=new:1")
	m.apply(bad, rollout.RolledBack)
	if got := m.files(); got != "etcd.yaml=etcd:1 kube-apiserver.yaml=api:1" {
		t.Error(got)
	}
	if after := m.read("kube-apiserver.yaml").Stamp.Attempt; after <= before {
		t.Errorf("attempt %d after %d: the kubelet would see a UID that it has seen before", after, before)
	}
	err := m.apply(bad, rollout.Refused)
	if !strings.Contains(err.Error(), "api:bad does not start") {
		t.Errorf("the refusal does not give the reason: %v", err)
	}
	if got := m.History.State().Confirmed.Commit; got != "c1" {
		t.Errorf("confirmed %s", got)
	}
	m.apply(revision("c3", "etcd=etcd:2", "kube-apiserver=api:2"), rollout.Confirmed)
}

func TestIfTheOldRevisionIsIllTooTheNewOneIsNotBlamed(t *testing.T) {
	m := newMachine(t)
	m.apply(revision("c1", "etcd=etcd:1"), rollout.Confirmed)
	ill := errors.New("the disk is slow")
	m.judge = func(context.Context, health.Want) error { return ill }
	next := revision("c2", "etcd=etcd:2")
	m.apply(next, rollout.Degraded)
	if got := m.files(); got != "etcd.yaml=etcd:1" {
		t.Error(got)
	}
	if state := m.History.State(); state.Phase() != "Degraded" || len(state.Rejected) != 0 {
		t.Errorf("state %+v", state)
	}
	m.apply(next, rollout.Degraded) // nothing new to try
	m.judge = func(context.Context, health.Want) error { return nil }
	if outcome, _ := m.Resume(t.Context()); outcome != rollout.RolledBack {
		t.Errorf("outcome %s once the node is well again", outcome)
	}
	if state := m.History.State(); len(state.Rejected) != 0 || state.InFlight != nil {
		t.Errorf("state %+v", state)
	}
	m.apply(next, rollout.Refused) // not at once: each try is an outage
}

func TestAFixReplacesAFlightThatLeftTheNodeDegraded(t *testing.T) {
	m := newMachine(t)
	m.apply(revision("c1", "etcd=etcd:1"), rollout.Confirmed)
	m.judge = func(_ context.Context, want health.Want) error {
		if image(want.Running[0]) == "etcd:3" {
			return nil
		}
		return errors.New("ill")
	}
	m.apply(revision("c2", "etcd=etcd:2", "web=web:1"), rollout.Degraded)
	m.apply(revision("c3", "etcd=etcd:3"), rollout.Confirmed)
	if got := m.files(); got != "etcd.yaml=etcd:3" {
		t.Error(got)
	}
}

func TestTheFirstRevisionOfAnEmptyNodeStaysAndAFixCleansUpAfterIt(t *testing.T) {
	m := newMachine(t)
	m.judge = sickIf("etcd:bad")
	first := revision("c1", "etcd=etcd:bad", "web=web:1")
	m.apply(first, rollout.Degraded)
	if got := m.files(); got != "etcd.yaml=etcd:bad" {
		t.Errorf("the folder has %q: nothing should be removed, and web comes after etcd", got)
	}
	m.judge = sickIf("no image")
	if outcome, err := m.Resume(t.Context()); outcome != rollout.Confirmed || err != nil {
		t.Errorf("%s, %v once it is well", outcome, err)
	}

	m = newMachine(t)
	m.judge = sickIf("web:bad")
	m.apply(revision("c1", "etcd=etcd:1", "web=web:bad"), rollout.Degraded)
	m.apply(revision("c2", "etcd=etcd:1"), rollout.Confirmed)
	if got := m.files(); got != "etcd.yaml=etcd:1" {
		t.Errorf("the folder has %q, also what the replaced revision left", got)
	}
}

func TestManifestsThatWereInPlaceAreAdoptedAndLeftAloneIfEqual(t *testing.T) {
	m := newMachine(t)
	m.write("etcd.yaml", "# written by hand\n"+pod("etcd", "etcd:1")+"status: {}\n")
	m.write("kube-apiserver.yaml", pod("kube-apiserver", "api:1"))
	m.write("haproxy.yaml", pod("haproxy", "haproxy:1"))
	before := m.stat("etcd.yaml")
	m.judge = sickIf("api:bad")
	m.apply(revision("c1", "etcd=etcd:1", "kube-apiserver=api:bad"), rollout.RolledBack)
	if got := m.files(); got != "etcd.yaml=etcd:1 haproxy.yaml=haproxy:1 kube-apiserver.yaml=api:1" {
		t.Error(got)
	}
	m.apply(revision("c2", "etcd=etcd:1", "kube-apiserver=api:2"), rollout.Confirmed)
	if !os.SameFile(before, m.stat("etcd.yaml")) {
		t.Error("an equal Pod was written again, so it restarted")
	}
	m.apply(revision("c3", "kube-apiserver=api:2"), rollout.Confirmed) // what was adopted is ours by now; the rest never is
	if got := m.files(); got != "haproxy.yaml=haproxy:1 kube-apiserver.yaml=api:2" {
		t.Error(got)
	}
}

func (m *machine) stat(file string) os.FileInfo {
	m.t.Helper()
	info, err := os.Stat(filepath.Join(m.dir, file))
	if err != nil {
		m.t.Fatal(err)
	}
	return info
}

func TestAForeignFileThatDefinesAPodOfOursStopsTheSync(t *testing.T) {
	for name, file := range map[string]string{"a backup": "etcd.yaml.bak", "another name": "a.yaml"} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.write(file, pod("etcd", "etcd:0"))
			err := m.apply(revision("c1", "etcd=etcd:1"), rollout.Failed)
			if !strings.Contains(err.Error(), filepath.Join(m.dir, file)) || m.files() != file+"=etcd:0" {
				t.Errorf("%v; the folder has %s", err, m.files())
			}
		})
	}
}

func TestNothingIsBegunWhileNoVerdictCanBeHad(t *testing.T) {
	m := newMachine(t)
	m.apply(revision("c1", "etcd=etcd:1"), rollout.Confirmed)
	m.answers = func(context.Context) error { return errors.New("the kubelet does not answer") }
	m.apply(revision("c2", "etcd=etcd:2"), rollout.Failed)
	m.answers = func(context.Context) error { return fmt.Errorf("ask: %w", health.ErrInitialising) }
	m.apply(revision("c2", "etcd=etcd:2"), rollout.Failed) // the kubelet would not stop the old Pod
	m.apply(revision("c3", "etcd=etcd:1", "kube-apiserver=api:1"), rollout.Confirmed)
	if got := m.files(); got != "etcd.yaml=etcd:1 kube-apiserver.yaml=api:1" {
		t.Error(got)
	}
}

func TestACommitThatChangesNothingHereIsNoted(t *testing.T) {
	m := newMachine(t)
	m.apply(revision("c1", "etcd=etcd:1"), rollout.Confirmed)
	m.apply(revision("c2", "etcd=etcd:1"), rollout.Unchanged)
	if got := m.History.State().Confirmed.Commit; got != "c2" {
		t.Errorf("confirmed commit %s", got)
	}
}

func TestAnEditByHandIsPutRight(t *testing.T) {
	m := newMachine(t)
	next := revision("c1", "etcd=etcd:1", "web=web:1")
	m.apply(next, rollout.Confirmed)
	m.write("etcd.yaml", "not yaml: [")
	if err := os.Remove(filepath.Join(m.dir, "web.yaml")); err != nil {
		t.Fatal(err)
	}
	m.apply(next, rollout.Confirmed)
	if got := m.files(); got != "etcd.yaml=etcd:1 web.yaml=web:1" {
		t.Error(got)
	}
}
