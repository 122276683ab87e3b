package health

import (
	"context"
	"fmt"

	criv1 "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/perch-gitops/perch/render"
)

// The kubelet labels each sandbox and each container with its Pod (pkg/kubelet/kuberuntime/labels.go).
const (
	labelPodName      = "io.kubernetes.pod.name"
	labelPodNamespace = "io.kubernetes.pod.namespace"
	labelPodUID       = "io.kubernetes.pod.uid"
)

// sandboxes lists the sandboxes that are ready, which the kubelet would call running.
func (n *Node) sandboxes(ctx context.Context) ([]*criv1.PodSandbox, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	response, err := criv1.NewRuntimeServiceClient(n.cri).ListPodSandbox(ctx, &criv1.ListPodSandboxRequest{
		Filter: &criv1.PodSandboxFilter{State: &criv1.PodSandboxStateValue{State: criv1.PodSandboxState_SANDBOX_READY}},
	})
	if err != nil {
		return nil, &blindError{fmt.Errorf("the container runtime does not answer at %s: %w", n.config.CRI, err)}
	}
	return response.GetItems(), nil
}

// onlyThese returns nil if each Pod has one ready sandbox, its own, and each removed Pod has none. The kubelet drops an
// old Pod from its lists at once while the old containers may still run, and may still hold a port or a file.
func (n *Node) onlyThese(ctx context.Context, well []running, gone render.Manifests) error {
	sandboxes, err := n.sandboxes(ctx)
	if err != nil {
		return err
	}
	for _, pod := range well {
		own, others := 0, 0
		for _, sandbox := range n.of(pod.manifest, sandboxes) {
			if sandbox.Labels[labelPodUID] == string(pod.uid) {
				own++
			} else {
				others++
			}
		}
		if own != 1 || others != 0 {
			return fmt.Errorf("pod %s has %d sandboxes of its own and %d of an earlier one", pod.manifest, own, others)
		}
	}
	for _, manifest := range gone {
		if left := len(n.of(manifest, sandboxes)); left > 0 {
			return fmt.Errorf("pod %s is removed but still has %d sandboxes", manifest, left)
		}
	}
	return nil
}

func (n *Node) of(manifest render.Manifest, sandboxes []*criv1.PodSandbox) []*criv1.PodSandbox {
	var found []*criv1.PodSandbox
	for _, sandbox := range sandboxes {
		if sandbox.Labels[labelPodNamespace] == manifest.Namespace && sandbox.Labels[labelPodName] == n.fullName(manifest) {
			found = append(found, sandbox)
		}
	}
	return found
}
