//go:build experiment

package experiments

import (
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/perch-gitops/perch/test/node"
)

// TestIllnesses prints how Pods look that do not get well, for as long as a watcher would wait.
func TestIllnesses(t *testing.T) {
	n := standalone(t)
	for _, c := range []struct {
		name string
		app  app
		long time.Duration
	}{
		{"image that cannot be pulled", app{image: "127.0.0.1:5/none:1"}, 70 * time.Second},
		{"image name that is none", app{image: "Not A Name"}, 10 * time.Second},
		{"exits at once", app{args: []string{"--crash"}}, 100 * time.Second},
		{"exits after 5s", app{args: []string{"--crash-after=5s"}}, 60 * time.Second},
		{"never ready", app{args: []string{"--unready"}}, 10 * time.Second},
		{"exits at once and may not restart", app{args: []string{"--crash"}, policy: corev1.RestartPolicyNever}, 10 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			tl := timeline(t)
			tl.FollowPods(n)
			c.app.name, c.app.port, c.app.attempt, c.app.grace = "ill", freePort(t), 1, 1
			tl.Restart()
			c.app.put(t, n, tl)
			pause(t.Context(), c.long)
			if err := n.RemoveManifest(c.app.file()); err != nil {
				t.Fatal(err)
			}
			tl.Add("=== removed")
			pause(t.Context(), 5*time.Second)
		})
	}
}

// TestRejectedFile prints what remains of a Pod whose file is replaced by one the kubelet does not take.
func TestRejectedFile(t *testing.T) {
	for name, spoil := range map[string]func(string) string{
		"not yaml":            func(string) string { return "{" },
		"configMap reference": func(s string) string { return s + "  volumes: [{name: v, configMap: {name: c}}]\n" },
		"no containers":       func(s string) string { return s[:strings.Index(s, "spec:")] + "spec: {}\n" },
	} {
		t.Run(name, func(t *testing.T) {
			n := standalone(t)
			tl := timeline(t)
			tl.FollowPods(n)
			tl.FollowSandboxes(n)
			good := app{name: "a", port: freePort(t), attempt: 1, grace: 1}
			digest := good.put(t, n, tl)
			if err := good.awaitReady(t.Context(), n, digest); err != nil {
				t.Fatal(err)
			}
			good.attempt = 2
			content, _ := good.manifest(t)
			tl.Restart()
			if err := n.WriteManifest(good.file(), []byte(spoil(string(content)))); err != nil {
				t.Fatal(err)
			}
			tl.Add("=== a file the kubelet rejects")
			pause(t.Context(), 30*time.Second)
			showLog(t, n)
		})
	}
}

func showLog(t *testing.T, n *node.Node) {
	log, err := os.ReadFile(n.KubeletLog)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, n.ManifestDir) && strings.Contains(line, "process") {
			t.Log(line)
		}
	}
}
