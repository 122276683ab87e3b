package rollout_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/perch-gitops/perch/render"
	"github.com/perch-gitops/perch/sync/health"
	"github.com/perch-gitops/perch/sync/history"
	"github.com/perch-gitops/perch/sync/rollout"
)

// An early Pod that is put back may need a later one to get well: the verdict is about all of them.
func TestTheVerdictOfTheWayBackIsAboutTheWholeSet(t *testing.T) {
	m := newMachine(t)
	m.apply(revision("c1", "etcd=etcd:1", "web=web:1"), rollout.Confirmed)
	m.judge = func(_ context.Context, want health.Want) error {
		if image(m.read("web.yaml")) == "web:bad" { // it takes etcd's disk
			return &health.Verdict{Reason: "etcd is slow"}
		}
		return nil
	}
	next := revision("c2", "etcd=etcd:2", "web=web:bad")
	m.apply(next, rollout.RolledBack)
	if state := m.History.State(); state.Rejection(next.Digest) == nil || m.files() != "etcd.yaml=etcd:1 web.yaml=web:1" {
		t.Errorf("state %+v, files %s", state, m.files())
	}
}

func TestWhatIsTakenBackWithoutBlameIsPutOffLongerEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t)
		m.apply(revision("c1", "etcd=etcd:1"), rollout.Confirmed)
		m.judge = func(_ context.Context, want health.Want) error {
			if image(want.Running[0]) == "etcd:2" {
				return errors.New("the kubelet does not answer")
			}
			return nil
		}
		next := revision("c2", "etcd=etcd:2")
		for _, wait := range []time.Duration{10 * time.Minute, 20 * time.Minute, 40 * time.Minute} {
			m.apply(next, rollout.RolledBack)
			time.Sleep(wait - time.Minute)
			m.apply(next, rollout.Refused)
			time.Sleep(2 * time.Minute)
		}
		m.judge = sickIf("none")
		m.apply(next, rollout.Confirmed)
		if state := m.History.State(); len(state.Rejected)+len(state.Deferred) != 0 {
			t.Errorf("state %+v", state)
		}
	})
}

// What filled the disk may be the bad revision: the way back must not wait for room in the state folder.
func TestAStateThatCannotBeWrittenDoesNotKeepTheBadRevisionInPlace(t *testing.T) {
	m := newMachine(t)
	m.apply(revision("c1", "etcd=etcd:1"), rollout.Confirmed)
	file := filepath.Join(m.state, "state.json")
	kept := filepath.Join(t.TempDir(), "state.json")
	m.judge = func(_ context.Context, want health.Want) error {
		if image(want.Running[0]) != "etcd:bad" {
			return nil
		}
		if err := os.Rename(file, kept); err != nil { // from now on no rename to state.json works
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(file, "x"), 0o700); err != nil {
			t.Fatal(err)
		}
		return &health.Verdict{Reason: "it fills the disk"}
	}
	next := revision("c2", "etcd=etcd:bad")
	outcome, err := m.Apply(t.Context(), next)
	if outcome != rollout.Interrupted || m.files() != "etcd.yaml=etcd:1" {
		t.Fatalf("%s, %v; the folder has %s", outcome, err, m.files())
	}
	if err := os.RemoveAll(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(kept, file); err != nil {
		t.Fatal(err)
	}
	m.judge = sickIf("none")
	if outcome, _ := m.Resume(t.Context()); outcome != rollout.RolledBack { // the same process knows what it did
		t.Errorf("outcome %s", outcome)
	}
	m.apply(next, rollout.Refused)
}

func TestAFileThatVanishesInFlightIsNoSuccess(t *testing.T) {
	m := newMachine(t)
	m.apply(revision("c1", "etcd=etcd:1"), rollout.Confirmed)
	m.judge = func(_ context.Context, want health.Want) error {
		if image(want.Running[0]) == "etcd:2" {
			return os.Remove(filepath.Join(m.dir, "etcd.yaml"))
		}
		return nil
	}
	err := m.apply(revision("c2", "etcd=etcd:2"), rollout.RolledBack)
	if !strings.Contains(err.Error(), "somebody else has removed or edited etcd.yaml") || m.files() != "etcd.yaml=etcd:1" {
		t.Errorf("%v; the folder has %s", err, m.files())
	}
	if rejected := m.History.State().Rejected; len(rejected) != 0 {
		t.Errorf("condemned for it: %+v", rejected)
	}
}

func TestNoTwoWritesHaveTheSameAttempt(t *testing.T) {
	m := newMachine(t)
	m.apply(revision("c1", "etcd=etcd:1"), rollout.Confirmed)
	m.judge = func(context.Context, health.Want) error { return errors.New("ill") }
	m.apply(revision("c2", "etcd=etcd:2"), rollout.Degraded)
	seen := map[int]bool{m.read("etcd.yaml").Stamp.Attempt: true}
	for range 3 {
		m.write("etcd.yaml", pod("etcd", "edited")) // by somebody who tries to help
		m.Resume(t.Context())                       //nolint:errcheck // it stays degraded
		if attempt := m.read("etcd.yaml").Stamp.Attempt; seen[attempt] || image(m.read("etcd.yaml")) != "etcd:1" {
			t.Errorf("attempt %d again, or not put back", attempt)
		}
		seen[m.read("etcd.yaml").Stamp.Attempt] = true
	}
}

func TestARepairThatDoesNotHelpIsNotCalledTakenBack(t *testing.T) {
	m := newMachine(t)
	next := revision("c1", "etcd=etcd:1")
	m.apply(next, rollout.Confirmed)
	m.write("etcd.yaml", pod("etcd", "edited"))
	m.judge = func(context.Context, health.Want) error { return &health.Verdict{Reason: "ill"} }
	m.apply(next, rollout.Degraded)
	m.judge = sickIf("none")
	if outcome, err := m.Resume(t.Context()); outcome != rollout.Confirmed || err != nil {
		t.Errorf("%s, %v", outcome, err)
	}
}

func TestAnEditIsPutRightAlsoWhileGitNamesACondemnedRevision(t *testing.T) {
	m := newMachine(t)
	m.apply(revision("c1", "etcd=etcd:1"), rollout.Confirmed)
	m.judge = sickIf("etcd:bad")
	bad := revision("c2", "etcd=etcd:bad")
	m.apply(bad, rollout.RolledBack)
	if err := os.Remove(filepath.Join(m.dir, "etcd.yaml")); err != nil {
		t.Fatal(err)
	}
	m.apply(bad, rollout.Confirmed) // the confirmed revision, that is
	if m.files() != "etcd.yaml=etcd:1" || m.History.State().Confirmed.Commit != "c1" {
		t.Errorf("the folder has %q, confirmed is %s", m.files(), m.History.State().Confirmed.Commit)
	}
	m.apply(bad, rollout.Refused)
}

func TestAFlightWhoseRevisionTheDiskLostIsMendedOrReplaced(t *testing.T) {
	for name, commit := range map[string]string{"the same commit comes again": "etcd:bad", "a fix comes": "etcd:3"} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.apply(revision("c1", "etcd=etcd:1"), rollout.Confirmed)
			bad := revision("c2", "etcd=etcd:bad")
			ctx, cancel := context.WithCancel(t.Context())
			m.judge = func(context.Context, health.Want) error { cancel(); return context.Cause(ctx) }
			m.Apply(ctx, bad) //nolint:errcheck // it is stopped
			m.stop()
			if err := os.RemoveAll(filepath.Join(m.state, "revisions", bad.Digest)); err != nil {
				t.Fatal(err)
			}
			m.start()
			m.judge = sickIf("etcd:bad")
			if outcome, err := m.Resume(t.Context()); outcome != rollout.Degraded || !strings.Contains(err.Error(), "push it again") {
				t.Fatalf("%s, %v", outcome, err)
			}
			want := rollout.Confirmed
			if commit == "etcd:bad" {
				want = rollout.RolledBack
			}
			m.apply(revision("c3", "etcd="+commit), want)
		})
	}
}

func TestAfterTheStateWasLostNoAttemptIsHandedOutAgain(t *testing.T) {
	m := newMachine(t)
	for _, image := range []string{"etcd:1", "etcd:2", "etcd:3"} {
		m.apply(revision(image, "etcd="+image), rollout.Confirmed)
	}
	before := m.read("etcd.yaml").Stamp.Attempt
	m.stop()
	if err := os.Remove(filepath.Join(m.state, "state.json")); err != nil {
		t.Fatal(err)
	}
	m.start()
	m.apply(revision("c4", "etcd=etcd:4"), rollout.Confirmed)
	if after := m.read("etcd.yaml").Stamp.Attempt; after <= before {
		t.Errorf("attempt %d after %d", after, before)
	}
}

func TestTheConfirmedRevisionIsNeverCondemned(t *testing.T) {
	m := newMachine(t)
	m.write("etcd.yaml", pod("etcd", "etcd:1"))
	good := revision("c0", "haproxy=haproxy:1")
	m.apply(good, rollout.Confirmed)
	m.judge = func(context.Context, health.Want) error { return &health.Verdict{Reason: "the disk is slow"} }
	m.apply(revision("c1", "haproxy=haproxy:1", "etcd=etcd:2"), rollout.Degraded)
	slow := true
	m.judge = func(context.Context, health.Want) error {
		if slow {
			slow = false
			return &health.Verdict{Reason: "the disk is slow once more"}
		}
		return nil
	}
	m.Apply(t.Context(), good) //nolint:errcheck // whatever it comes to
	if m.History.State().Rejection(good.Digest) != nil {
		t.Error("the confirmed revision is condemned")
	}
}

// A Pod whose removal frees a port for one of the first waves must not make the later waves count before their time.
func TestARemovalThatFreesAPortBelongsToTheWaveOfWhoTakesIt(t *testing.T) {
	m := newMachine(t)
	port := func(name string) string {
		return strings.Replace(pod(name, name+":1"), "    image:", "    ports: [{hostPort: 6443, containerPort: 6443}]\n    image:", 1)
	}
	set := func(commit string, names ...string) history.Revision {
		r := revision(commit, "kube-scheduler=s:1")
		for _, name := range names {
			manifest, err := render.Parse(name+".yaml", []byte(port(name)))
			if err != nil {
				t.Fatal(err)
			}
			r.Manifests = append(r.Manifests, manifest)
		}
		r.Manifests.Sort()
		r.Digest = r.Manifests.Digest()
		return r
	}
	m.apply(set("c1", "apiserver-old"), rollout.Confirmed)
	m.judge = func(_ context.Context, want health.Want) error {
		for _, manifest := range want.Running {
			if _, err := os.Stat(filepath.Join(m.dir, "kube-apiserver.yaml")); manifest.Name == "kube-scheduler" && err != nil {
				return &health.Verdict{Reason: "the scheduler exits without an API server"}
			}
		}
		return nil
	}
	m.apply(set("c2", "kube-apiserver"), rollout.Confirmed)
}

func TestAManifestIsWrittenOnceMoreWhenTheOldPodHasEnded(t *testing.T) {
	for ended, writes := range map[bool]int{true: 2, false: 1} {
		m := newMachine(t)
		m.apply(revision("c1", "etcd=etcd:1"), rollout.Confirmed)
		before := m.read("etcd.yaml").Stamp.Attempt
		m.Ending = func(_ context.Context, old render.Manifest, write func() error) (bool, error) {
			if image(old) != "etcd:1" || image(m.read("etcd.yaml")) != "etcd:1" {
				t.Error("the watch does not begin before the write")
			}
			return ended, write()
		}
		m.judge = func(_ context.Context, want health.Want) error {
			if got := want.Running[0].Stamp.Attempt; got != before+writes {
				t.Errorf("ended %v: attempt %d is wanted, %d before", ended, got, before)
			}
			return nil
		}
		m.apply(revision("c2", "etcd=etcd:2", "new=new:1"), rollout.Confirmed)
		if image(m.read("etcd.yaml")) != "etcd:2" {
			t.Error("not written")
		}
	}
}
