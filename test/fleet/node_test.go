//go:build e2e

package fleet

import (
	"context"
	"testing"
	"time"

	"github.com/perch-gitops/perch/test/node"
)

func TestTheExampleRunsAControlPlane(t *testing.T) {
	n := node.Start(t, node.Options{})
	tree := t.TempDir()
	if err := WorkTree(t.Context(), n, tree); err != nil {
		t.Fatal(err)
	}
	manifests, err := Render(tree, Overlay)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range manifests {
		if err := n.WriteManifest(name, content); err != nil {
			t.Fatal(err)
		}
	}
	timeline := node.NewTimeline(t.Context(), t.Logf)
	defer timeline.Close()
	timeline.FollowPods(n)
	timeline.FollowProbe("etcd", n.EtcdHealthy)
	timeline.FollowProbe("kube-apiserver", n.APIServerReady)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		if allReady(ctx, n, len(manifests)) && n.APIServerReady(ctx) == nil && n.EtcdHealthy(ctx) == nil {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Error("the control plane is not well after two minutes")
}

func allReady(ctx context.Context, n *node.Node, want int) bool {
	pods, _ := n.Pods(ctx) // fails until the API server is up
	ready := 0
	for i := range pods {
		if node.Ready(&pods[i]) {
			ready++
		}
	}
	return ready == want
}
