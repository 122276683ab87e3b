//go:build experiment

package experiments

import (
	"testing"
	"time"

	"github.com/perch-gitops/perch/test/node"
)

// TestWhatAWatcherSees prints what the Pods API and the runtime show of one rename-over, and around a restart of the kubelet.
func TestWhatAWatcherSees(t *testing.T) {
	for name, deaf := range map[string]bool{"obedient app": false, "app that ignores SIGTERM": true} {
		t.Run(name, func(t *testing.T) {
			n := standalone(t)
			tl := timeline(t)
			tl.FollowPods(n)
			tl.FollowSandboxes(n)
			v1 := app{name: "a", port: freePort(t), attempt: 1, grace: 5}
			if deaf {
				v1.args = []string{"--ignore-sigterm"}
			}
			digest := v1.put(t, n, tl)
			if err := v1.awaitReady(t.Context(), n, digest); err != nil {
				t.Fatal(err)
			}
			showSandbox(t, n)
			tl.Restart()
			v2 := v1
			v2.args, v2.attempt = append([]string{"--note=two"}, v1.args...), 2
			digest = v2.put(t, n, tl)
			for _, at := range []time.Duration{50, 300, 1000, 3000} {
				pause(t.Context(), at*time.Millisecond-tl.Elapsed())
				list(t, n, tl)
			}
			if err := v2.awaitReady(t.Context(), n, digest); err != nil {
				t.Fatal(err)
			}
			tl.Restart()
			tl.Add("=== kubelet restarts")
			if err := n.RestartKubelet(t.Context()); err != nil {
				t.Fatal(err)
			}
			tl.Add("=== kubelet answers on healthz")
			for range 6 {
				list(t, n, tl)
				pause(t.Context(), 500*time.Millisecond)
			}
		})
	}
}

func list(t *testing.T, n *node.Node, tl *node.Timeline) {
	pods, err := n.Pods(t.Context())
	tl.Add("list: %d pods, error %v", len(pods), err)
	for i := range pods {
		tl.Add("list:   %s", node.Describe(&pods[i]))
	}
}

func showSandbox(t *testing.T, n *node.Node) {
	sandboxes, err := n.Sandboxes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sandboxes {
		t.Logf("sandbox labels %v annotations %v", s.Labels, s.Annotations)
	}
	containers, err := n.Containers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range containers {
		t.Logf("container labels %v annotations %v", c.Labels, c.Annotations)
	}
}
