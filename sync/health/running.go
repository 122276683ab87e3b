package health

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/perch-gitops/perch/render"
)

// running is a wanted Pod that has been found well.
type running struct {
	manifest render.Manifest
	uid      types.UID
	restarts int32
}

// running finds every wanted Pod, with the stamp of its manifest, Running and Ready; or says what is wrong, first what
// cannot heal.
//
// The kubelet's Pods API is asked first. A kubelet that has not reached its API server since it started keeps that API
// shut, and a control plane that is being bootstrapped has no API server yet: then the container runtime has to do, with
// the Pod's declared probes run from here.
func (n *Node) running(ctx context.Context, watch *podWatch, set render.Manifests) ([]running, error) {
	find := n.runningByKubelet
	if watch.initialising() {
		find = n.runningByRuntime
	}
	var well []running
	var sick error
	for _, manifest := range set {
		pod, err := find(ctx, watch, manifest)
		var hopeless *hopelessError
		switch {
		case errors.As(err, &hopeless):
			return well, err
		case err != nil && sick == nil:
			sick = err
		case err == nil:
			well = append(well, pod)
		}
	}
	return well, sick
}

func (n *Node) runningByKubelet(ctx context.Context, watch *podWatch, manifest render.Manifest) (running, error) {
	pods, err := watch.named(manifest.Namespace, n.fullName(manifest))
	if err != nil {
		return running{}, err
	}
	for _, pod := range pods {
		if render.StampOf(pod.Annotations) != manifest.Stamp {
			continue
		}
		if err := n.illness(pod, watch); err != nil {
			return running{}, err
		}
		return running{manifest: manifest, uid: pod.UID, restarts: restarts(pod)}, nil
	}
	return running{}, n.whereIs(ctx, manifest, len(pods) > 0)
}

// whereIs says why a Pod is not among those that the kubelet has sent. While a Pod waits for its predecessor to end the
// kubelet announces nothing of it, but it is in the kubelet's list.
func (n *Node) whereIs(ctx context.Context, manifest render.Manifest, predecessor bool) error {
	listed, err := n.listed(ctx, manifest)
	switch {
	case err != nil:
		return err
	case listed && predecessor:
		return fmt.Errorf("pod %s waits for its predecessor to end", manifest)
	case listed:
		return fmt.Errorf("pod %s waits for the kubelet to start it", manifest)
	case predecessor:
		return fmt.Errorf("pod %s: the kubelet still has an earlier content of it", manifest)
	default:
		return &missingError{fmt.Sprintf("pod %s: the kubelet does not have it", manifest)}
	}
}

// fullName is a static Pod's name as the kubelet makes it (pkg/kubelet/config/common.go, generatePodName).
func (n *Node) fullName(manifest render.Manifest) string {
	return manifest.Name + "-" + n.config.NodeName
}

// illness says why a Pod is not Running and Ready, or nil.
func (n *Node) illness(pod *corev1.Pod, watch *podWatch) error {
	name := pod.Namespace + "/" + pod.Name
	if pod.Status.Phase == corev1.PodFailed {
		return &hopelessError{fmt.Sprintf("pod %s has failed and the kubelet does not try again: %s %s", name, pod.Status.Reason, pod.Status.Message)}
	}
	statuses := append(append([]corev1.ContainerStatus{}, pod.Status.InitContainerStatuses...), pod.Status.ContainerStatuses...)
	for _, container := range statuses {
		restarts := watch.restarts(pod.UID, container.Name, container.RestartCount)
		if err := n.containerIllness(name, container, restarts); err != nil {
			return err
		}
	}
	if pod.Status.Phase != corev1.PodRunning {
		return fmt.Errorf("pod %s is %s", name, pod.Status.Phase)
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
			return nil
		}
	}
	return fmt.Errorf("pod %s is running but not Ready%s", name, unready(pod))
}

// containerIllness returns what ails a container if that is known not to heal by itself.
func (n *Node) containerIllness(pod string, container corev1.ContainerStatus, restarts int) error {
	if waiting := container.State.Waiting; waiting != nil {
		switch waiting.Reason {
		case "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError":
			return &hopelessError{fmt.Sprintf("pod %s, container %s: %s: %s", pod, container.Name, waiting.Reason, waiting.Message)}
		}
	}
	if crashes := restarts + 1; isDown(container) && crashes >= n.config.CrashesToFail {
		return &hopelessError{fmt.Sprintf("pod %s, container %s crashes again and again (%d times)%s", pod, container.Name, crashes, lastWords(container))}
	}
	return nil
}

// isDown reports whether a container has crashed and is not up again. The kubelet says CrashLoopBackOff only with its
// next sync of the Pod, which may be a minute later, so a termination counts by itself.
func isDown(container corev1.ContainerStatus) bool {
	waiting, ended := container.State.Waiting, container.State.Terminated
	return waiting != nil && waiting.Reason == "CrashLoopBackOff" || ended != nil && ended.ExitCode != 0
}

// lastWords is how a crashed container ended.
func lastWords(container corev1.ContainerStatus) string {
	ended := container.State.Terminated
	if ended == nil {
		ended = container.LastTerminationState.Terminated
	}
	if ended == nil {
		return ""
	}
	words := fmt.Sprintf(": %s, exit code %d", ended.Reason, ended.ExitCode)
	if ended.Message != "" {
		words += ": " + ended.Message
	}
	return words
}

func unready(pod *corev1.Pod) string {
	for _, container := range pod.Status.ContainerStatuses {
		if !container.Ready {
			return fmt.Sprintf(": container %s has restarted %d times%s", container.Name, container.RestartCount, lastWords(container))
		}
	}
	return ""
}

func restarts(pod *corev1.Pod) int32 {
	var sum int32
	for _, container := range append(append([]corev1.ContainerStatus{}, pod.Status.InitContainerStatuses...), pod.Status.ContainerStatuses...) {
		sum += container.RestartCount
	}
	return sum
}
