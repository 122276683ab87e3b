//go:build experiment

package experiments

import (
	"context"
	"fmt"
	"testing"
	"time"

	podsapi "k8s.io/kubelet/pkg/apis/pods/v1alpha1"

	"github.com/perch-gitops/perch/test/node"
)

// TestNudge measures how long a Pod is away in a rename-over, and how long if its file is renamed over once more, under a higher
// attempt, when the old Pod is DELETED: the kubelet then starts it at once, rather than at the end of its wait.
func TestNudge(t *testing.T) {
	n := standalone(t)
	for _, nudge := range []bool{false, true} {
		var results []string
		for range 5 {
			results = append(results, away(t, n, nudge))
		}
		t.Logf("RESULT nudge=%t: not ready for %v", nudge, results)
	}
}

func away(t *testing.T, n *node.Node, nudge bool) string {
	tl := timeline(t)
	defer tl.Close()
	a := app{name: "a", port: freePort(t), attempt: 1, grace: 5}
	digest := a.put(t, n, tl)
	if err := a.awaitReady(t.Context(), n, digest); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	deleted := make(chan struct{}, 8)
	watching := make(chan struct{}, 1)
	ended := make(chan error, 1)
	go func() {
		ended <- n.WatchPods(ctx, func(e node.PodEvent) {
			switch e.Type {
			case podsapi.EventType_INITIAL_SYNC_COMPLETE:
				watching <- struct{}{}
			case podsapi.EventType_DELETED:
				deleted <- struct{}{}
			}
		})
	}()
	defer func() { cancel(); <-ended }()
	<-watching
	begin := time.Now()
	a.args, a.attempt = []string{"--note=two"}, 2
	digest = a.put(t, n, tl)
	if nudge {
		<-deleted
		tl.Add("old Pod DELETED")
		a.attempt = 3
		a.put(t, n, tl)
	}
	if err := a.awaitReady(ctx, n, digest); err != nil {
		t.Fatal(err)
	}
	result := fmt.Sprintf("%.1fs", time.Since(begin).Seconds())
	if err := n.RemoveManifest(a.file()); err != nil {
		t.Fatal(err)
	}
	pause(ctx, 4*time.Second)
	return result
}
