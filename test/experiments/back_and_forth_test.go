//go:build experiment

package experiments

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/perch-gitops/perch/test/node"
)

// TestBackToTheSameBytes asks whether a Pod comes back when its file returns to the exact bytes of before (so that the kubelet gives
// it the UID it had), in comparison with a return under a fresh attempt.
func TestBackToTheSameBytes(t *testing.T) {
	const grace = 10
	for _, c := range []struct {
		name  string
		after time.Duration // between the bad file and the way back
		deaf  bool          // the app ignores SIGTERM, so that v1 is still ending then
	}{
		{"5s after a crashing successor", 5 * time.Second, false},
		{"20s after a crashing successor", 20 * time.Second, false},
		{"while the old pod still ends", 3 * time.Second, true},
		{"0.2s later", 200 * time.Millisecond, true},
	} {
		for _, fresh := range []bool{false, true} {
			name := c.name + ", same bytes"
			if fresh {
				name = c.name + ", fresh attempt"
			}
			t.Run(name, func(t *testing.T) {
				n := standalone(t)
				tl := timeline(t)
				tl.FollowPods(n)
				tl.FollowSandboxes(n)
				results := make([]string, 5)
				var rounds sync.WaitGroup
				for round := range results {
					v1 := app{name: fmt.Sprintf("a%d", round), port: freePort(t), attempt: 1, grace: grace, args: []string{fmt.Sprintf("--ignore-sigterm=%t", c.deaf)}}
					rounds.Go(func() { results[round] = thereAndBack(t, n, tl, v1, c.after, fresh) })
				}
				rounds.Wait()
				t.Logf("RESULT %s: %v", name, results)
			})
		}
	}
}

// thereAndBack runs one Pod through v1, v2 and v1 again, and says how long the last step took until the Pod was ready for good.
func thereAndBack(t *testing.T, n *node.Node, tl *node.Timeline, v1 app, after time.Duration, fresh bool) string {
	digest := v1.put(t, n, tl)
	if err := v1.awaitReady(t.Context(), n, digest); err != nil {
		t.Error(err)
		return "never ready"
	}
	tl.Add("=== %s is ready", v1.name)
	v2 := v1
	v2.args, v2.attempt = []string{"--crash"}, 2
	v2.put(t, n, tl)
	pause(t.Context(), after)
	if fresh {
		v1.attempt = 3
	}
	v1.put(t, n, tl)
	result := readyForGood(t.Context(), n, digest, v1)
	if result == stuck {
		t.Errorf("%s is stuck", v1.name)
	}
	tl.Add("=== %s: %s", v1.name, result)
	if err := n.RemoveManifest(v1.file()); err != nil {
		t.Error(err)
	}
	return result
}

const stuck = "stuck"

// readyForGood waits until the Pod has been ready in one and the same container for 20 s. A shorter wait would take the Pod that is
// about to end for the one that is to come: under one UID they look alike.
func readyForGood(ctx context.Context, n *node.Node, digest string, a app) string {
	const steady = 20 * time.Second
	begin := time.Now()
	container, since, seen := "", time.Time{}, 0
	for time.Since(begin) < 100*time.Second {
		pods, err := n.Pods(ctx)
		now := ""
		for i := range pods {
			if node.Ready(&pods[i]) && a.is(&pods[i], n, digest) {
				now = pods[i].Status.ContainerStatuses[0].ContainerID
			}
		}
		if err == nil && now != container {
			if container, since = now, time.Now(); now != "" {
				seen++
			}
		}
		if container != "" && time.Since(since) > steady {
			return fmt.Sprintf("%.1fs (ready container no. %d)", since.Sub(begin).Seconds(), seen)
		}
		pause(ctx, 100*time.Millisecond)
	}
	return stuck
}
