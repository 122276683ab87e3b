//go:build experiment

package experiments

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/perch-gitops/perch/test/node"
)

// TestWayBackWithoutAPIServer asks whether the kubelet takes back a bad API server manifest after it was itself restarted during
// the outage: it then has not seen the API server yet, and may not dare to end Pods.
func TestWayBackWithoutAPIServer(t *testing.T) {
	n := node.Start(t, node.Options{})
	manifests := exampleManifests(t, n)
	for name, content := range manifests {
		if err := n.WriteManifest(name, content); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	awaitReadyPods(ctx, t, n, 4)
	tl := timeline(t)
	tl.FollowPods(n)
	tl.FollowSandboxes(n)
	tl.FollowProbe("kube-apiserver /readyz", n.APIServerReady)
	put := func(what string, content []byte) {
		tl.Add("=== %s", what)
		if err := n.WriteManifest("kube-apiserver.yaml", content); err != nil {
			t.Fatal(err)
		}
	}
	restart := func() {
		tl.Add("=== the kubelet restarts")
		if err := n.RestartKubelet(ctx); err != nil {
			t.Fatal(err)
		}
	}
	good := manifests["kube-apiserver.yaml"]
	put("a bad API server", bytes.Replace(good, []byte("--allow-privileged=true"), []byte("--no-such-flag"), 1))
	pause(ctx, 60*time.Second)
	restart()
	pause(ctx, 10*time.Second)
	for _, remedy := range []struct {
		name string
		try  func()
	}{
		{"same bytes", func() { put("the good API server again, same bytes", good) }},
		{"fresh attempt", func() { put("the good API server, a fresh attempt", withAttempt(good)) }},
		{"stopped sandbox", func() { stopSandbox(ctx, t, n, tl) }},
		{"kubelet restart", restart},
	} {
		remedy.try()
		begin := time.Now()
		if readyWithin(ctx, n, time.Minute) {
			t.Logf("RESULT %s: back after %.1fs", remedy.name, time.Since(begin).Seconds())
			return
		}
		t.Logf("RESULT %s: not back in a minute", remedy.name)
	}
}

func withAttempt(manifest []byte) []byte {
	return bytes.Replace(manifest, []byte("metadata:\n"), []byte("metadata:\n  annotations: {perch/attempt: \"2\"}\n"), 1)
}

// stopSandbox stops and removes the API server's sandboxes behind the kubelet's back.
func stopSandbox(ctx context.Context, t *testing.T, n *node.Node, tl *node.Timeline) {
	sandboxes, err := n.Sandboxes(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sandboxes {
		if s.Labels["component"] == "kube-apiserver" {
			tl.Add("=== sandbox %.8s is stopped and removed", s.Id)
			if err := n.RemoveSandbox(ctx, s.Id); err != nil {
				t.Error(err)
			}
		}
	}
}

// readyWithin reports whether the API server becomes ready in this time.
func readyWithin(ctx context.Context, n *node.Node, limit time.Duration) bool {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); pause(ctx, 200*time.Millisecond) {
		if n.APIServerReady(ctx) == nil {
			return true
		}
	}
	return false
}
