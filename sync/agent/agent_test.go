package agent_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/perch-gitops/perch/gitsrc"
	"github.com/perch-gitops/perch/nodeselect"
	"github.com/perch-gitops/perch/sync/agent"
	"github.com/perch-gitops/perch/sync/health"
	"github.com/perch-gitops/perch/sync/history"
	"github.com/perch-gitops/perch/sync/manifestdir"
	"github.com/perch-gitops/perch/sync/rollout"
)

// site is a real repository and an agent that follows it; the test judges its Pods.
type site struct {
	t     *testing.T
	tree  string
	bare  string
	log   bytes.Buffer
	judge func(health.Want) error
	*agent.Agent
}

func newSite(t *testing.T) *site {
	t.Helper()
	dir := t.TempDir()
	s := &site{t: t, tree: filepath.Join(dir, "tree"), bare: filepath.Join(dir, "fleet.git"), judge: func(health.Want) error { return nil }}
	s.git(dir, "init", "-q", "--bare", "-b", "main", s.bare)
	s.git(dir, "clone", "-q", s.bare, s.tree)
	s.put("perch.yaml", "apiVersion: perch/v1alpha1\nkind: Fleet\noverlays: [{path: pods, nodeSelector: {}}]\n")
	s.put("pods/kustomization.yaml", "resources: [etcd.yaml]\n")
	manifests := filepath.Join(dir, "manifests")
	if err := os.Mkdir(manifests, 0o700); err != nil {
		t.Fatal(err)
	}
	store, err := history.Open(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() }) //nolint:errcheck // the test is over
	source, err := gitsrc.New(gitsrc.Config{URL: s.bare, Ref: "main", Dir: filepath.Join(dir, "git")})
	if err != nil {
		t.Fatal(err)
	}
	log := logrus.New()
	log.SetOutput(&s.log)
	s.Agent = &agent.Agent{Node: nodeselect.Node{Name: "n"}, Source: source, History: store, Log: log, Rollout: &rollout.Rollout{
		Dir: manifestdir.New(manifests), History: store, Log: log,
		Answers: func(context.Context) error { return nil },
		Probe:   func(_ context.Context, want health.Want) error { return s.judge(want) },
	}}
	return s
}

func (s *site) git(dir string, args ...string) {
	s.t.Helper()
	command := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
	command.Dir = dir
	if out, err := command.CombinedOutput(); err != nil {
		s.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func (s *site) put(file, content string) {
	s.t.Helper()
	path := filepath.Join(s.tree, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// push publishes etcd with an image.
func (s *site) push(image string) {
	s.t.Helper()
	s.put("pods/etcd.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: etcd, namespace: kube-system}\nspec: {containers: [{name: a, image: \""+image+"\"}]}\n")
	s.git(s.tree, "add", "-A")
	s.git(s.tree, "commit", "-q", "-m", image)
	s.git(s.tree, "push", "-q", "origin", "HEAD:main")
}

// pushTypo publishes an etcd that nobody can render.
func (s *site) pushTypo() { s.t.Helper(); s.push("etcd:2\", imagePolicy: \"") }

// sync syncs once and returns what it logged.
func (s *site) sync(want rollout.Outcome) string {
	s.t.Helper()
	s.log.Reset()
	outcome, err := s.Sync(s.t.Context())
	if outcome != want {
		s.t.Fatalf("outcome %s, want %s (%v)", outcome, want, err)
	}
	return s.log.String()
}

func sickWith(image string) func(health.Want) error {
	return func(want health.Want) error {
		if want.Running[0].Pod.Spec.Containers[0].Image == image {
			return &health.Verdict{Reason: image + " does not start"}
		}
		return nil
	}
}

func TestTheSameNewsIsLoggedOnce(t *testing.T) {
	s := newSite(t)
	s.push("etcd:1")
	if log := s.sync(rollout.Confirmed); !strings.Contains(log, "confirmed") {
		t.Error(log)
	}
	for range 3 {
		if log := s.sync(rollout.Unchanged); log != "" {
			t.Errorf("a quiet node logs %s", log)
		}
	}
	s.pushTypo()
	if log := s.sync(rollout.Failed); !strings.Contains(log, "pods/etcd.yaml") || strings.Count(log, "\n") != 1 {
		t.Errorf("logged %s", log)
	}
	if log := s.sync(rollout.Failed); log != "" {
		t.Errorf("logged again: %s", log)
	}
	s.push("etcd:1")
	if log := s.sync(rollout.Unchanged); !strings.Contains(log, "well again") {
		t.Errorf("logged %s", log)
	}
}

func TestABadRevisionIsTakenBackOnceAndItsFixGoesThrough(t *testing.T) {
	s := newSite(t)
	s.push("etcd:1")
	s.sync(rollout.Confirmed)
	s.judge = sickWith("etcd:2")
	s.push("etcd:2")
	s.sync(rollout.RolledBack)
	s.sync(rollout.Refused)
	s.push("etcd:3")
	s.sync(rollout.Confirmed)
}

func TestANodeThatGetsWellAgainIsNotBrokenAgainAtOnce(t *testing.T) {
	s := newSite(t)
	s.push("etcd:1")
	s.sync(rollout.Confirmed)
	s.judge = func(health.Want) error { return &health.Verdict{Reason: "the disk is slow"} }
	s.push("etcd:2")
	s.sync(rollout.Degraded)
	if log := s.sync(rollout.Degraded); log != "" {
		t.Errorf("logged again: %s", log)
	}
	s.judge = func(want health.Want) error { // a person has mended the node; etcd:2 would break it
		return sickWith("etcd:2")(want)
	}
	s.sync(rollout.RolledBack)
	s.sync(rollout.Refused)
}

func TestAFixThatDoesNotRenderIsSaidAlsoOnADegradedNode(t *testing.T) {
	s := newSite(t)
	s.push("etcd:1")
	s.sync(rollout.Confirmed)
	s.judge = func(health.Want) error { return &health.Verdict{Reason: "the disk is slow"} }
	s.push("etcd:2")
	s.sync(rollout.Degraded)
	s.pushTypo()
	if log := s.sync(rollout.Degraded); !strings.Contains(log, "pods/etcd.yaml") {
		t.Errorf("logged %q", log)
	}
}

func TestWithoutGitTheNodeStaysAsItIsAndAFlightIsFinished(t *testing.T) {
	s := newSite(t)
	s.push("etcd:1")
	s.sync(rollout.Confirmed)
	s.push("etcd:2")
	ctx, cancel := context.WithCancel(t.Context())
	s.judge = func(health.Want) error { cancel(); return context.Cause(ctx) }
	if outcome, _ := s.Sync(ctx); outcome != rollout.Interrupted {
		t.Fatalf("outcome %s", outcome)
	}
	if err := os.Rename(s.bare, s.bare+".away"); err != nil {
		t.Fatal(err)
	}
	s.judge = sickWith("none")
	s.sync(rollout.Failed)
	if state := s.History.State(); state.Confirmed.Subject != "etcd:2" || state.InFlight != nil {
		t.Errorf("state %+v", state)
	}
	last, err := s.Sync(t.Context())
	if last != rollout.Failed || err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("%s, %v", last, err)
	}
}

func TestACacheThatIsDamagedUnderneathIsMended(t *testing.T) {
	s := newSite(t)
	s.push("etcd:1")
	s.sync(rollout.Confirmed)
	packs, err := filepath.Glob(filepath.Join(filepath.Dir(s.bare), "git", "objects", "pack", "*.pack"))
	if err != nil || len(packs) == 0 {
		t.Fatal(packs, err)
	}
	for _, pack := range packs {
		if err := os.Chmod(pack, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(pack, 40); err != nil {
			t.Fatal(err)
		}
	}
	s.push("etcd:2")
	s.sync(rollout.Confirmed)
}
