package health

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	podsv1alpha1 "k8s.io/kubelet/pkg/apis/pods/v1alpha1"

	"github.com/perch-gitops/perch/render"
)

// podWatch mirrors the kubelet's Pods, by its Pods API (on by default from Kubernetes 1.37, KEP-4188). It watches, since
// listing is rate-limited and logged by the kubelet.
type podWatch struct {
	changed chan struct{} // receives after a change; holds one

	mutex  sync.Mutex
	pods   map[types.UID]*corev1.Pod
	synced bool  // the kubelet has sent all that it had when the watch began
	err    error // why the watch is down, if it is
	breaks int   // how often it went down after it had synced

	baseline map[string]int32 // restarts of a container when it was first seen

	stop func()
}

// restarts returns how often a container has been restarted since this watch first saw it. Its whole count says little:
// the controller manager and the scheduler restart whenever the API server is away, and keep that count for life.
func (w *podWatch) restarts(pod types.UID, container string, count int32) int {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	key := string(pod) + "/" + container
	first, seen := w.baseline[key]
	if !seen {
		w.baseline[key], first = count, count
	}
	return int(count - first)
}

// watchPods starts a watch that reconnects until it is stopped; stop waits for its end.
func (n *Node) watchPods(ctx context.Context) *podWatch {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	watch := &podWatch{changed: make(chan struct{}, 1), pods: map[types.UID]*corev1.Pod{}, baseline: map[string]int32{}}
	watch.stop = func() { cancel(); <-done }
	client := podsv1alpha1.NewPodsClient(n.pods)
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			watch.down(watch.follow(ctx, client))
			select {
			case <-ctx.Done():
			case <-time.After(lookInterval / 2):
			}
		}
	}()
	return watch
}

// follow mirrors one stream until it breaks. Every stream begins with all Pods, so it begins with an empty mirror.
func (w *podWatch) follow(ctx context.Context, client podsv1alpha1.PodsClient) error {
	stream, err := client.WatchPods(ctx, &podsv1alpha1.WatchPodsRequest{})
	if err != nil {
		return err
	}
	for {
		event, err := stream.Recv()
		if err != nil {
			return err
		}
		if err := w.take(event); err != nil {
			return err
		}
	}
}

func (w *podWatch) take(event *podsv1alpha1.WatchPodsEvent) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	defer w.announce()
	w.err = nil
	if event.GetType() == podsv1alpha1.EventType_INITIAL_SYNC_COMPLETE {
		w.synced = true
		return nil
	}
	pod := &corev1.Pod{}
	if err := pod.Unmarshal(event.GetPod()); err != nil {
		return fmt.Errorf("decode a Pod: %w", err)
	}
	if event.GetType() == podsv1alpha1.EventType_DELETED {
		delete(w.pods, pod.UID)
		return nil
	}
	w.pods[pod.UID] = pod
	return nil
}

func (w *podWatch) down(err error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.synced {
		w.breaks++
	}
	w.pods, w.synced, w.err = map[types.UID]*corev1.Pod{}, false, err
	w.announce()
}

func (w *podWatch) announce() {
	select {
	case w.changed <- struct{}{}:
	default: // one that nobody has taken yet says the same
	}
}

// broke reports whether the watch has ever lost sight of the Pods.
func (w *podWatch) broke() bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.breaks > 0
}

// named returns the kubelet's Pods of one name: none, one, or during a replacement several.
func (w *podWatch) named(namespace, name string) ([]*corev1.Pod, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if !w.synced {
		return nil, podsAPIError(w.err)
	}
	var pods []*corev1.Pod
	for _, pod := range w.pods {
		if pod.Namespace == namespace && pod.Name == name {
			pods = append(pods, pod)
		}
	}
	return pods, nil
}

// listed asks the kubelet for its Pods and reports whether it has the one with a manifest's stamp.
func (n *Node) listed(ctx context.Context, manifest render.Manifest) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	response, err := podsv1alpha1.NewPodsClient(n.pods).ListPods(ctx, &podsv1alpha1.ListPodsRequest{})
	if err != nil {
		return false, podsAPIError(err)
	}
	for _, encoded := range response.GetPods() {
		pod := &corev1.Pod{}
		if err := pod.Unmarshal(encoded); err != nil {
			return false, fmt.Errorf("decode a Pod of the kubelet: %w", err)
		}
		if pod.Namespace == manifest.Namespace && pod.Name == n.fullName(manifest) && render.StampOf(pod.Annotations) == manifest.Stamp {
			return true, nil
		}
	}
	return false, nil
}

// initialising reports whether the kubelet keeps its Pods API shut because it has not reached its API server yet.
func (w *podWatch) initialising() bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return status.Code(w.err) == codes.FailedPrecondition
}

// podsAPIAnswers asks for a Pod that cannot exist: the cheapest question that only an initialised kubelet answers.
func (n *Node) podsAPIAnswers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	_, err := podsv1alpha1.NewPodsClient(n.pods).GetPod(ctx, &podsv1alpha1.GetPodRequest{PodUID: "perch"})
	if err == nil || status.Code(err) == codes.NotFound {
		return nil
	}
	return fmt.Errorf("%w (%s)", podsAPIError(err), n.config.PodsAPI)
}

// ErrInitialising means that the kubelet has not seen all its sources since it started: it waits for its API server, and
// until then it stops no Pod (pkg/kubelet/kubelet.go, deletePod: "skipping delete because sources aren't ready yet").
var ErrInitialising = errors.New("the kubelet has not reached its API server since it started")

func podsAPIError(err error) error {
	switch {
	case err == nil:
		return &blindError{errors.New("the kubelet's Pods API has not sent its Pods yet")}
	case status.Code(err) == codes.FailedPrecondition:
		return ErrInitialising
	default:
		return &blindError{fmt.Errorf("the kubelet's Pods API does not answer (it is on by default from Kubernetes 1.37): %s", status.Convert(err).Message())}
	}
}
