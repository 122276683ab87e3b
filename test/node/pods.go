package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	corev1 "k8s.io/api/core/v1"
	podsapi "k8s.io/kubelet/pkg/apis/pods/v1alpha1"
)

// PodsSocket is where the kubelet serves its Pods API.
func (n *Node) PodsSocket() string { return filepath.Join(n.RootDir, "pods-api", "pods-api.sock") }

// Pods lists the Pods the kubelet knows, from its Pods API. That answers FailedPrecondition until the kubelet has seen the API
// server, if it is to have one.
func (n *Node) Pods(ctx context.Context) ([]corev1.Pod, error) {
	connection, err := n.dial(n.PodsSocket())
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	answer, err := podsapi.NewPodsClient(connection).ListPods(ctx, &podsapi.ListPodsRequest{})
	if err != nil {
		return nil, fmt.Errorf("list pods: %w", err)
	}
	pods := make([]corev1.Pod, len(answer.Pods))
	for i, bytes := range answer.Pods {
		if err := pods[i].Unmarshal(bytes); err != nil {
			return nil, fmt.Errorf("list pods: %w", err)
		}
	}
	return pods, nil
}

// PodEvent is what the Pods API's Watch sends. Pod is empty for INITIAL_SYNC_COMPLETE, and may have no more than its name and
// UID for DELETED.
type PodEvent struct {
	Type podsapi.EventType
	Pod  corev1.Pod
}

// WatchPods calls each with every event until ctx is done or the watch breaks. Either way it returns an error.
func (n *Node) WatchPods(ctx context.Context, each func(PodEvent)) error {
	connection, err := n.dial(n.PodsSocket())
	if err != nil {
		return err
	}
	defer connection.Close()
	stream, err := podsapi.NewPodsClient(connection).WatchPods(ctx, &podsapi.WatchPodsRequest{})
	if err != nil {
		return fmt.Errorf("watch pods: %w", err)
	}
	for {
		message, err := stream.Recv()
		if err != nil {
			return fmt.Errorf("watch pods: %w", err)
		}
		event := PodEvent{Type: message.Type}
		if err := event.Pod.Unmarshal(message.Pod); err != nil {
			return fmt.Errorf("watch pods: %w", err)
		}
		each(event)
	}
}

// WaitForPod returns the first Pod that satisfies is, or an error when ctx is done.
func (n *Node) WaitForPod(ctx context.Context, is func(*corev1.Pod) bool) (*corev1.Pod, error) {
	for {
		pods, err := n.Pods(ctx)
		for i := range pods {
			if is(&pods[i]) {
				return &pods[i], nil
			}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for a pod: %w (last list: %d pods, error %v)", ctx.Err(), len(pods), err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// Ready reports whether a Pod is running and its readiness probes succeed.
func Ready(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return pod.Status.Phase == corev1.PodRunning && c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// WriteManifest puts a file into ManifestDir the way perch does: whole, by a rename from a name the kubelet ignores.
func (n *Node) WriteManifest(name string, content []byte) error {
	hidden := filepath.Join(n.ManifestDir, "."+name+".tmp")
	if err := os.WriteFile(hidden, content, 0o600); err != nil {
		return err
	}
	return os.Rename(hidden, filepath.Join(n.ManifestDir, name))
}

// RemoveManifest takes a file out of ManifestDir.
func (n *Node) RemoveManifest(name string) error {
	return os.Remove(filepath.Join(n.ManifestDir, name))
}

func (n *Node) dial(socket string) (*grpc.ClientConn, error) {
	const manyPods = 64 << 20
	return grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(manyPods)))
}
