package rollout_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/perch-gitops/perch/sync/health"
	"github.com/perch-gitops/perch/sync/rollout"
)

// A stop at each observation, forward and back, is followed by a new process that finishes before anything else.
func TestAFlightThatWasStoppedAnywhereIsFinishedByTheNextStart(t *testing.T) {
	for _, image := range []string{"api:2", "api:bad"} {
		for stopAt := 1; ; stopAt++ {
			m := newMachine(t)
			m.apply(revision("c1", "etcd=etcd:1", "kube-apiserver=api:1", "old=old:1"), rollout.Confirmed)
			next := revision("c2", "etcd=etcd:2", "kube-apiserver="+image, "web=web:1")
			ctx, cancel := context.WithCancel(t.Context())
			looks := 0
			m.judge = func(ctx context.Context, want health.Want) error {
				if looks++; looks == stopAt {
					cancel()
					return context.Cause(ctx)
				}
				return sickIf("api:bad")(ctx, want)
			}
			outcome, _ := m.Apply(ctx, next)
			cancel()
			if looks < stopAt {
				break // the whole flight needed fewer looks
			}
			if outcome != rollout.Interrupted {
				t.Fatalf("%s, stopped at look %d: outcome %s", image, stopAt, outcome)
			}
			m.stop()
			m.start()
			m.judge = sickIf("api:bad")
			wantOutcome, wantFiles := rollout.Confirmed, "etcd.yaml=etcd:2 kube-apiserver.yaml=api:2 web.yaml=web:1"
			if image == "api:bad" {
				wantOutcome, wantFiles = rollout.RolledBack, "etcd.yaml=etcd:1 kube-apiserver.yaml=api:1 old.yaml=old:1"
			}
			if outcome, err := m.Resume(t.Context()); outcome != wantOutcome {
				t.Fatalf("%s, stopped at look %d: then %s, %v", image, stopAt, outcome, err)
			}
			if got := m.files(); got != wantFiles {
				t.Fatalf("%s, stopped at look %d: the folder has %s", image, stopAt, got)
			}
			if state := m.History.State(); state.InFlight != nil || (len(state.Rejected) == 1) != (image == "api:bad") {
				t.Fatalf("%s, stopped at look %d: state %+v", image, stopAt, state)
			}
		}
	}
}

func TestAfterACrashBetweenTwoRenamesTheFirstPodIsSeenWellBeforeTheSecondsTurn(t *testing.T) {
	m := newMachine(t)
	m.apply(revision("c1", "etcd=etcd:1", "kube-apiserver=api:1"), rollout.Confirmed)
	ctx, cancel := context.WithCancel(t.Context())
	m.judge = func(ctx context.Context, _ health.Want) error { cancel(); return context.Cause(ctx) }
	m.Apply(ctx, revision("c2", "etcd=etcd:2", "kube-apiserver=api:2")) //nolint:errcheck // it is stopped
	m.stop()
	m.start()
	var looks []string
	m.judge = func(context.Context, health.Want) error { looks = append(looks, m.files()); return nil }
	if outcome, err := m.Resume(t.Context()); outcome != rollout.Confirmed {
		t.Fatal(outcome, err)
	}
	if want := "etcd.yaml=etcd:2 kube-apiserver.yaml=api:1"; looks[0] != want {
		t.Errorf("first looked when the folder had %s, want %s", looks[0], want)
	}
}

func TestAWayBackThatWasBegunIsNotForgotten(t *testing.T) {
	m := newMachine(t)
	m.apply(revision("c1", "etcd=etcd:1"), rollout.Confirmed)
	ctx, cancel := context.WithCancel(t.Context())
	m.judge = func(_ context.Context, want health.Want) error {
		if image(want.Running[0]) == "etcd:1" { // turned back: now the process dies
			cancel()
			return context.Cause(ctx)
		}
		return errors.New("etcd:2 does not start")
	}
	m.Apply(ctx, revision("c2", "etcd=etcd:2")) //nolint:errcheck // what counts is what the next start does
	m.stop()
	m.start()
	m.judge = func(context.Context, health.Want) error { return nil } // etcd:2 would be found well now
	if outcome, _ := m.Resume(t.Context()); outcome != rollout.RolledBack {
		t.Errorf("outcome %s", outcome)
	}
	if got := m.files(); got != "etcd.yaml=etcd:1" {
		t.Error(got)
	}
}

func TestARevisionThatKeepsBringingTheAgentDownIsTakenBackWithoutBlame(t *testing.T) {
	m := newMachine(t)
	m.apply(revision("c1", "etcd=etcd:1"), rollout.Confirmed)
	next := revision("c2", "etcd=etcd:2")
	crash := func(_ context.Context, want health.Want) error {
		if image(want.Running[0]) == "etcd:2" {
			panic("killed")
		}
		return nil
	}
	m.judge = crash
	dies := func(f func()) {
		defer func() { recover() }() //nolint:errcheck // the panic stands for the process's death
		f()
	}
	dies(func() { m.Apply(t.Context(), next) }) //nolint:errcheck // it panics
	starts := 0
	for ; starts < 20 && m.files() != "etcd.yaml=etcd:1"; starts++ {
		m.stop()
		m.start()
		dies(func() { m.Resume(t.Context()) }) //nolint:errcheck // most panic
	}
	if starts != 6 {
		t.Errorf("turned back at start %d", starts)
	}
	if state := m.History.State(); len(state.Rejected) != 0 || state.InFlight != nil {
		t.Errorf("state %+v", state)
	}
	m.apply(next, rollout.Refused) // else the loop would begin anew
}

func TestLookingAgainAtADegradedNodeIsNoCrash(t *testing.T) {
	m := newMachine(t)
	m.judge = sickIf("etcd:slow")
	m.apply(revision("c1", "etcd=etcd:slow"), rollout.Degraded)
	for range 20 {
		if outcome, _ := m.Resume(t.Context()); outcome != rollout.Degraded {
			t.Fatalf("outcome %s", outcome)
		}
	}
	if starts := m.History.State().InFlight.Starts; starts != 0 {
		t.Errorf("%d starts of one process", starts)
	}
}

func TestAWriteThatFailsTurnsBackAndCondemnsNothing(t *testing.T) {
	m := newMachine(t)
	m.apply(revision("c1", "etcd=etcd:1"), rollout.Confirmed)
	obstacle := filepath.Join(m.dir, "web.yaml")
	m.judge = func(_ context.Context, want health.Want) error {
		if image(want.Running[0]) == "etcd:2" { // between the two renames
			return os.MkdirAll(filepath.Join(obstacle, "x"), 0o700)
		}
		return os.RemoveAll(obstacle)
	}
	err := m.apply(revision("c2", "etcd=etcd:2", "web=web:1"), rollout.RolledBack)
	if !strings.Contains(err.Error(), obstacle) {
		t.Errorf("the error does not name the file: %v", err)
	}
	if got := m.files(); got != "etcd.yaml=etcd:1" {
		t.Error(got)
	}
	if state := m.History.State(); len(state.Rejected) != 0 {
		t.Errorf("condemned: %+v", state.Rejected)
	}
}

func TestTemporaryFilesOfAKilledWriterAreSwept(t *testing.T) {
	m := newMachine(t)
	m.apply(revision("c1", "etcd=etcd:1"), rollout.Confirmed)
	m.write(".etcd.yaml123456", "half a mani")
	m.apply(revision("c2", "etcd=etcd:2"), rollout.Confirmed)
	if got := m.files(); got != "etcd.yaml=etcd:2" {
		t.Error(got)
	}
}

func TestTheFolderIsNeverEmptyAndNoFileIsEverMissing(t *testing.T) {
	m := newMachine(t)
	m.apply(revision("c1", "etcd=etcd:1", "kube-apiserver=api:1"), rollout.Confirmed)
	m.judge = func(ctx context.Context, want health.Want) error {
		for _, file := range []string{"etcd.yaml", "kube-apiserver.yaml"} {
			m.read(file)
		}
		return sickIf("api:bad")(ctx, want)
	}
	m.apply(revision("c2", "etcd=etcd:2", "kube-apiserver=api:bad"), rollout.RolledBack)
}
