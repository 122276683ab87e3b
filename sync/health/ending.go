package health

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/perch-gitops/perch/render"
)

// Ending calls write, which is to replace the manifest of a running Pod, and waits until the kubelet has ended that Pod.
// It reports true then, if the successor has not started yet; false if that could not be seen, or did not come to pass
// before the context ended. The error is write's own.
//
// A successor that waits for its predecessor is looked at by the kubelet only every 10 to 15 s (pkg/kubelet/pod_workers.go).
// One that comes after the predecessor has ended starts at once. Whoever knows the moment can spare the node that wait.
func (n *Node) Ending(ctx context.Context, old render.Manifest, write func() error) (bool, error) {
	watch := n.watchPods(ctx) // before the write: afterwards the kubelet's list has only the successor
	defer watch.stop()
	uid, seen := n.find(ctx, watch, old)
	if err := write(); err != nil || !seen {
		return false, err
	}
	for {
		pods, err := watch.named(old.Namespace, n.fullName(old))
		switch {
		case err != nil || watch.broke():
			return false, nil // after a gap in the watch, a Pod that is not listed may still be ending
		case len(pods) == 0:
			return true, nil
		case len(pods) > 1 || pods[0].UID != uid:
			return false, nil // the successor has started by itself
		}
		select {
		case <-ctx.Done():
			return false, nil
		case <-watch.changed:
		}
	}
}

// firstSight is how long the first answer of the Pods API is waited for.
const firstSight = 2 * time.Second

// find waits for the kubelet's Pods and returns the UID of the one that a manifest has made.
func (n *Node) find(ctx context.Context, watch *podWatch, manifest render.Manifest) (types.UID, bool) {
	ctx, cancel := context.WithTimeout(ctx, firstSight)
	defer cancel()
	for {
		pods, err := watch.named(manifest.Namespace, n.fullName(manifest))
		if err == nil {
			if len(pods) == 1 && render.StampOf(pods[0].Annotations) == manifest.Stamp {
				return pods[0].UID, true
			}
			return "", false
		}
		select {
		case <-ctx.Done():
			return "", false
		case <-watch.changed:
		}
	}
}
