package health

import (
	"context"
	"fmt"
	"strconv"

	"k8s.io/apimachinery/pkg/types"
	criv1 "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/perch-gitops/perch/render"
)

const (
	labelContainerName     = "io.kubernetes.container.name"
	annotationRestartCount = "io.kubernetes.container.restartCount"
)

// runningByRuntime finds a Pod by what the container runtime has: one ready sandbox with the manifest's stamp, each of
// its containers running, and the declared readiness probes passing when they are run from here.
func (n *Node) runningByRuntime(ctx context.Context, watch *podWatch, manifest render.Manifest) (running, error) {
	sandboxes, err := n.sandboxes(ctx)
	if err != nil {
		return running{}, err
	}
	own := n.of(manifest, sandboxes)
	for _, sandbox := range own {
		if render.StampOf(sandbox.Annotations) != manifest.Stamp {
			continue
		}
		found := running{manifest: manifest, uid: types.UID(sandbox.Labels[labelPodUID])}
		containers, err := n.newestContainers(ctx, sandbox.Id)
		if err != nil {
			return found, err
		}
		for _, spec := range manifest.Pod.Spec.Containers {
			container := containers[spec.Name]
			count := restartCount(container)
			if err := n.containerRuns(manifest, spec.Name, container, watch.restarts(found.uid, spec.Name, count)); err != nil {
				return found, err
			}
			found.restarts += count
			if err := n.probe(ctx, sandbox.Id, manifest, spec); err != nil {
				return found, fmt.Errorf("pod %s, container %s is not ready: %w", manifest, spec.Name, err)
			}
		}
		return found, nil
	}
	if len(own) > 0 {
		return running{}, fmt.Errorf("pod %s: an earlier content of it still runs, and %w, so it ends no Pod; "+
			"if this lasts, restart the kubelet (systemctl restart kubelet): it then starts what is in place", manifest, ErrInitialising)
	}
	return running{}, fmt.Errorf("pod %s: the container runtime has no sandbox of it yet", manifest)
}

// containerRuns says why a container does not run, or nil.
func (n *Node) containerRuns(manifest render.Manifest, name string, container *criv1.Container, restarts int) error {
	switch {
	case container == nil:
		return fmt.Errorf("pod %s: container %s is not created yet", manifest, name)
	case container.State == criv1.ContainerState_CONTAINER_RUNNING:
		return nil
	case container.State == criv1.ContainerState_CONTAINER_EXITED && restarts+1 >= n.config.CrashesToFail:
		return &hopelessError{fmt.Sprintf("pod %s, container %s crashes again and again (%d times)", manifest, name, restarts+1)}
	default:
		return fmt.Errorf("pod %s: container %s does not run (%s, %d restarts)", manifest, name, container.State, restarts)
	}
}

// restartCount is what the kubelet has written on a container; 0 where there is none yet.
func restartCount(container *criv1.Container) int32 {
	count, err := strconv.ParseInt(container.GetAnnotations()[annotationRestartCount], 10, 32)
	if err != nil {
		return 0
	}
	return int32(count)
}

// newestContainers returns the containers of a sandbox by name, of each the one created last.
func (n *Node) newestContainers(ctx context.Context, sandbox string) (map[string]*criv1.Container, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	response, err := criv1.NewRuntimeServiceClient(n.cri).ListContainers(ctx, &criv1.ListContainersRequest{
		Filter: &criv1.ContainerFilter{PodSandboxId: sandbox},
	})
	if err != nil {
		return nil, &blindError{fmt.Errorf("the container runtime does not answer at %s: %w", n.config.CRI, err)}
	}
	newest := map[string]*criv1.Container{}
	for _, container := range response.GetContainers() {
		name := container.Labels[labelContainerName]
		if old := newest[name]; old == nil || old.CreatedAt < container.CreatedAt {
			newest[name] = container
		}
	}
	return newest, nil
}
