package rollout_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/perch-gitops/perch/render"
	"github.com/perch-gitops/perch/sync/health"
	"github.com/perch-gitops/perch/sync/history"
	"github.com/perch-gitops/perch/sync/manifestdir"
	"github.com/perch-gitops/perch/sync/rollout"
)

// machine is a node without a kubelet: real folders and real state, and a judge that the test decides for.
type machine struct {
	t       *testing.T
	dir     string // staticPodPath
	state   string
	judge   func(context.Context, health.Want) error
	answers func(context.Context) error
	*rollout.Rollout
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{t: t, dir: t.TempDir(), state: t.TempDir()}
	m.judge = func(context.Context, health.Want) error { return nil }
	m.answers = func(context.Context) error { return nil }
	m.start()
	t.Cleanup(m.stop)
	return m
}

// start opens the state as a new process would.
func (m *machine) start() {
	m.t.Helper()
	store, err := history.Open(m.state)
	if err != nil {
		m.t.Fatal(err)
	}
	log := logrus.New()
	log.SetOutput(io.Discard)
	m.Rollout = &rollout.Rollout{
		Dir:     manifestdir.New(m.dir),
		History: store,
		Answers: func(ctx context.Context) error { return m.answers(ctx) },
		Probe:   func(ctx context.Context, want health.Want) error { return m.judge(ctx, want) },
		Log:     log,
	}
}

func (m *machine) stop() {
	if err := m.History.Close(); err != nil {
		m.t.Error(err)
	}
}

func (m *machine) apply(revision history.Revision, want rollout.Outcome) error {
	m.t.Helper()
	outcome, err := m.Apply(m.t.Context(), revision)
	if outcome != want {
		m.t.Fatalf("outcome %s, want %s (%v)", outcome, want, err)
	}
	return err
}

// files returns what is in the folder: the file names and the images.
func (m *machine) files() string {
	m.t.Helper()
	entries, err := os.ReadDir(m.dir)
	if err != nil {
		m.t.Fatal(err)
	}
	var all []string
	for _, entry := range entries {
		all = append(all, entry.Name()+"="+image(m.read(entry.Name())))
	}
	return strings.Join(all, " ")
}

func (m *machine) read(file string) render.Manifest {
	m.t.Helper()
	data, err := os.ReadFile(filepath.Join(m.dir, file))
	if err != nil {
		m.t.Fatal(err)
	}
	manifest, err := render.Parse(file, data)
	if err != nil {
		m.t.Fatal(err)
	}
	return manifest
}

func (m *machine) write(file, content string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.dir, file), []byte(content), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func image(manifest render.Manifest) string { return manifest.Pod.Spec.Containers[0].Image }

// pod is a manifest of kube-system with one container.
func pod(name, image string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Pod
metadata:
  name: %s
  namespace: kube-system
  labels: {component: %s}
spec:
  containers:
  - name: main
    image: %s
`, name, name, image)
}

// revision is a set given as name=image.
func revision(commit string, pods ...string) history.Revision {
	r := history.Revision{Origin: history.Origin{Commit: commit, Subject: "subject of " + commit}}
	for _, p := range pods {
		name, image, _ := strings.Cut(p, "=")
		manifest, err := render.Parse(name+".yaml", []byte(pod(name, image)))
		if err != nil {
			panic(err)
		}
		r.Manifests = append(r.Manifests, manifest)
	}
	r.Manifests.Sort()
	r.Digest = r.Manifests.Digest()
	return r
}

// sickIf is a judge that finds the node ill while one of the Pods has this image.
func sickIf(bad string) func(context.Context, health.Want) error {
	return func(_ context.Context, want health.Want) error {
		for _, manifest := range want.Running {
			if image(manifest) == bad {
				return &health.Verdict{Reason: bad + " does not start"}
			}
		}
		return nil
	}
}
