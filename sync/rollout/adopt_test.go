package rollout_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/perch-gitops/perch/sync/health"
	"github.com/perch-gitops/perch/sync/rollout"
)

// What perch only found must never be removed because of a revision that was not confirmed.
func TestARevertAfterAnAdoptionThatFailedRemovesNothing(t *testing.T) {
	for name, tried := range map[string]bool{"taken back": true, "never tried": false} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.write("etcd.yaml", pod("etcd", "etcd:1"))
			m.apply(revision("c0", "haproxy=haproxy:1"), rollout.Confirmed)
			next := revision("c1", "haproxy=haproxy:1", "etcd=etcd:bad")
			m.judge = sickIf("etcd:bad")
			if tried {
				m.apply(next, rollout.RolledBack)
			} else {
				m.answers = func(context.Context) error { return errors.New("the kubelet does not answer") }
				m.apply(next, rollout.Failed)
				m.answers = func(context.Context) error { return nil }
			}
			m.apply(revision("c2", "haproxy=haproxy:1"), rollout.Unchanged)
			if got := m.files(); got != "etcd.yaml=etcd:1 haproxy.yaml=haproxy:1" {
				t.Error(got)
			}
			m.apply(revision("c3", "haproxy=haproxy:2"), rollout.Confirmed)
			if got := m.files(); got != "etcd.yaml=etcd:1 haproxy.yaml=haproxy:2" {
				t.Error(got)
			}
		})
	}
}

func TestARevertOfADegradedAdoptionRemovesNothing(t *testing.T) {
	m := newMachine(t)
	m.write("etcd.yaml", pod("etcd", "etcd:1"))
	m.apply(revision("c0", "haproxy=haproxy:1"), rollout.Confirmed)
	ill := errors.New("the disk is slow")
	m.judge = func(context.Context, health.Want) error { return ill }
	m.apply(revision("c1", "haproxy=haproxy:2", "etcd=etcd:2"), rollout.Degraded)
	m.judge = sickIf("none")
	m.apply(revision("c2", "haproxy=haproxy:3"), rollout.Confirmed)
	if got := m.files(); got != "etcd.yaml=etcd:1 haproxy.yaml=haproxy:3" {
		t.Error(got)
	}
	m.apply(revision("c3", "haproxy=haproxy:4"), rollout.Confirmed)
	if got := m.files(); got != "etcd.yaml=etcd:1 haproxy.yaml=haproxy:4" {
		t.Error(got)
	}
}

func TestTheFirstRevisionIsTakenBackWhereOtherPodsRun(t *testing.T) {
	m := newMachine(t)
	m.write("etcd.yaml", pod("etcd", "etcd:1"))
	m.judge = sickIf("vip:bad")
	m.apply(revision("c1", "vip=vip:bad"), rollout.RolledBack)
	if got := m.files(); got != "etcd.yaml=etcd:1" {
		t.Error(got)
	}
}

func TestAConfirmedRevisionThatTheDiskLostIsMendedFromGit(t *testing.T) {
	m := newMachine(t)
	next := revision("c1", "etcd=etcd:1")
	m.apply(next, rollout.Confirmed)
	if err := os.RemoveAll(filepath.Join(m.state, "revisions")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(m.state, "revisions"), 0o700); err != nil {
		t.Fatal(err)
	}
	m.apply(next, rollout.Unchanged)
	m.apply(revision("c2", "etcd=etcd:2"), rollout.Confirmed)
}

func TestWhatIsNoPodIsNothingToReturnTo(t *testing.T) {
	m := newMachine(t)
	if err := os.Mkdir(filepath.Join(m.dir, "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	m.judge = sickIf("etcd:slow")
	m.apply(revision("c1", "etcd=etcd:slow"), rollout.Degraded)
	if image(m.read("etcd.yaml")) != "etcd:slow" {
		t.Error("the only Pod was removed")
	}
}

func TestWhereNothingIsPutBackNothingIsCompared(t *testing.T) {
	m := newMachine(t)
	m.write("vip.yaml", pod("vip", "vip:1"))
	m.judge = sickIf("etcd:slow")
	next := revision("c1", "etcd=etcd:slow")
	m.apply(next, rollout.RolledBack)
	if m.History.State().Rejection(next.Digest) != nil {
		t.Error("condemned, although no old Pod was seen well in its place")
	}
	m.apply(next, rollout.Refused)
}
