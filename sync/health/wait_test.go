package health

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	criv1 "k8s.io/cri-api/pkg/apis/runtime/v1"
	podsv1alpha1 "k8s.io/kubelet/pkg/apis/pods/v1alpha1"

	"github.com/perch-gitops/perch/render"
)

// kubelet and runtime answer over real sockets what a test tells them to. What the real ones say, test/experiments shows.
type kubelet struct {
	podsv1alpha1.UnimplementedPodsServer
	shut bool // as before it has reached its API server

	pods   []*corev1.Pod                     // announced by the watch
	events chan *podsv1alpha1.WatchPodsEvent // and after them; a nil one breaks the watch
	hidden []*corev1.Pod                     // only listed, as a Pod that waits for its predecessor
}

func (k *kubelet) encode(pods ...*corev1.Pod) ([][]byte, error) {
	if k.shut {
		return nil, status.Error(codes.FailedPrecondition, "Kubelet is initializing")
	}
	var encoded [][]byte
	for _, pod := range pods {
		data, err := pod.Marshal()
		if err != nil {
			return nil, err
		}
		encoded = append(encoded, data)
	}
	return encoded, nil
}

func (k *kubelet) WatchPods(_ *podsv1alpha1.WatchPodsRequest, stream podsv1alpha1.Pods_WatchPodsServer) error {
	pods, err := k.encode(k.pods...)
	if err != nil {
		return err
	}
	for _, pod := range pods {
		if err := stream.Send(&podsv1alpha1.WatchPodsEvent{Type: podsv1alpha1.EventType_ADDED, Pod: pod}); err != nil {
			return err
		}
	}
	if err := stream.Send(&podsv1alpha1.WatchPodsEvent{Type: podsv1alpha1.EventType_INITIAL_SYNC_COMPLETE}); err != nil {
		return err
	}
	for {
		select {
		case <-stream.Context().Done():
			return nil
		case event := <-k.events:
			if event == nil {
				return status.Error(codes.Unavailable, "the kubelet restarts")
			}
			if err := stream.Send(event); err != nil {
				return err
			}
		}
	}
}

func (k *kubelet) ListPods(context.Context, *podsv1alpha1.ListPodsRequest) (*podsv1alpha1.ListPodsResponse, error) {
	pods, err := k.encode(slices.Concat(k.pods, k.hidden)...)
	return &podsv1alpha1.ListPodsResponse{Pods: pods}, err
}

func (k *kubelet) GetPod(context.Context, *podsv1alpha1.GetPodRequest) (*podsv1alpha1.GetPodResponse, error) {
	if _, err := k.encode(); err != nil {
		return nil, err
	}
	return nil, status.Error(codes.NotFound, "no such Pod")
}

type runtime struct {
	criv1.UnimplementedRuntimeServiceServer
	sandboxes  []*criv1.PodSandbox
	containers []*criv1.Container
	hangs      bool
}

func (r *runtime) ListPodSandbox(context.Context, *criv1.ListPodSandboxRequest) (*criv1.ListPodSandboxResponse, error) {
	return &criv1.ListPodSandboxResponse{Items: r.sandboxes}, nil
}

func (r *runtime) ListContainers(context.Context, *criv1.ListContainersRequest) (*criv1.ListContainersResponse, error) {
	return &criv1.ListContainersResponse{Containers: r.containers}, nil
}

func (r *runtime) PodSandboxStatus(ctx context.Context, _ *criv1.PodSandboxStatusRequest) (*criv1.PodSandboxStatusResponse, error) {
	if r.hangs {
		<-ctx.Done()
	}
	return nil, ctx.Err()
}

func newTestNode(t *testing.T, k *kubelet, r *runtime, config Config) *Node {
	t.Helper()
	dir := t.TempDir()
	server := grpc.NewServer()
	podsv1alpha1.RegisterPodsServer(server, k)
	criv1.RegisterRuntimeServiceServer(server, r)
	socket := filepath.Join(dir, "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(listener) //nolint:errcheck // ended by Stop
	t.Cleanup(server.Stop)
	healthz := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(healthz.Close)
	if config.Healthz == "" {
		config.Healthz = healthz.URL
	}
	config.NodeName, config.PodsAPI, config.CRI = "n", socket, "unix://"+socket
	n, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() }) //nolint:errcheck // the test is over
	return n
}

const wantedYAML = `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "etcd", "namespace": "kube-system",
"annotations": {"perch/digest": "d2", "perch/attempt": "2"}}, "spec": {"containers": [{"name": "etcd", "image": "e"PROBE}]}}`

func wanted(t *testing.T, probe string) render.Manifests {
	t.Helper()
	m, err := render.Parse("etcd.yaml", []byte(strings.ReplaceAll(wantedYAML, "PROBE", probe)))
	if err != nil {
		t.Fatal(err)
	}
	return render.Manifests{m}
}

func podOf(uid, digest, attempt string, ready bool) *corev1.Pod {
	condition := corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionFalse}
	if ready {
		condition.Status = corev1.ConditionTrue
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "etcd-n", UID: types.UID(uid),
			Annotations: map[string]string{"perch/digest": digest, "perch/attempt": attempt}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{condition}},
	}
}

func sandboxOf(uid, digest, attempt string) *criv1.PodSandbox {
	return &criv1.PodSandbox{Id: uid,
		Labels:      map[string]string{labelPodName: "etcd-n", labelPodNamespace: "kube-system", labelPodUID: uid},
		Annotations: map[string]string{"perch/digest": digest, "perch/attempt": attempt}}
}

func TestWait(t *testing.T) {
	running := []*criv1.Container{{State: criv1.ContainerState_CONTAINER_RUNNING, Labels: map[string]string{labelContainerName: "etcd"}}}
	for _, c := range []struct {
		name    string
		kubelet kubelet
		runtime runtime
		config  Config
		probe   string
		whole   bool
		want    string // part of the verdict; empty: well
	}{
		{name: "the wanted Pod runs, alone", kubelet: kubelet{pods: []*corev1.Pod{podOf("u2", "d2", "2", true)}},
			runtime: runtime{sandboxes: []*criv1.PodSandbox{sandboxOf("u2", "d2", "2")}}},
		{name: "the Pod before it runs", kubelet: kubelet{pods: []*corev1.Pod{podOf("u1", "d1", "1", true)}},
			runtime: runtime{sandboxes: []*criv1.PodSandbox{sandboxOf("u1", "d1", "1")}}, want: "still has an earlier content"},
		{name: "the same content from before runs, which may be about to end", kubelet: kubelet{pods: []*corev1.Pod{podOf("u1", "d2", "1", true)}},
			runtime: runtime{sandboxes: []*criv1.PodSandbox{sandboxOf("u1", "d2", "1")}}, want: "still has an earlier content"},
		{name: "it waits for its predecessor", kubelet: kubelet{pods: []*corev1.Pod{podOf("u1", "d1", "1", true)}, hidden: []*corev1.Pod{podOf("u2", "d2", "2", false)}},
			want: "waits for its predecessor to end"},
		{name: "the kubelet does not have it", config: Config{Deadline: 8 * time.Second}, want: "did not take the manifest"},
		{name: "it is not Ready", kubelet: kubelet{pods: []*corev1.Pod{podOf("u2", "d2", "2", false)}}, want: "not Ready"},
		{name: "its predecessor's sandbox is still there", kubelet: kubelet{pods: []*corev1.Pod{podOf("u2", "d2", "2", true)}},
			runtime: runtime{sandboxes: []*criv1.PodSandbox{sandboxOf("u2", "d2", "2"), sandboxOf("u1", "d1", "1")}}, want: "1 of an earlier one"},
		{name: "it has no sandbox", kubelet: kubelet{pods: []*corev1.Pod{podOf("u2", "d2", "2", true)}}, want: "0 sandboxes of its own"},
		{name: "the configured API server does not answer", kubelet: kubelet{pods: []*corev1.Pod{podOf("u2", "d2", "2", true)}}, whole: true,
			runtime: runtime{sandboxes: []*criv1.PodSandbox{sandboxOf("u2", "d2", "2")}}, config: Config{APIServer: "https://127.0.0.1:1"}, want: "API server does not answer"},
		{name: "the configured API server is not asked before all Pods are there", kubelet: kubelet{pods: []*corev1.Pod{podOf("u2", "d2", "2", true)}},
			runtime: runtime{sandboxes: []*criv1.PodSandbox{sandboxOf("u2", "d2", "2")}}, config: Config{APIServer: "https://127.0.0.1:1"}},
		{name: "by the runtime: it runs", kubelet: kubelet{shut: true},
			runtime: runtime{sandboxes: []*criv1.PodSandbox{sandboxOf("u2", "d2", "2")}, containers: running}},
		{name: "by the runtime: its container does not run", kubelet: kubelet{shut: true},
			runtime: runtime{sandboxes: []*criv1.PodSandbox{sandboxOf("u2", "d2", "2")}}, want: "not created yet"},
		{name: "by the runtime: its probe fails", kubelet: kubelet{shut: true}, probe: `, "readinessProbe": {"tcpSocket": {"host": "127.0.0.1", "port": 1}}`,
			runtime: runtime{sandboxes: []*criv1.PodSandbox{sandboxOf("u2", "d2", "2")}, containers: running}, want: "connection refused"},
		{name: "by the runtime: its predecessor stays, since this kubelet ends none", kubelet: kubelet{shut: true},
			runtime: runtime{sandboxes: []*criv1.PodSandbox{sandboxOf("u1", "d1", "1")}}, want: "systemctl restart kubelet"},
		{name: "by the runtime: a runtime that hangs does not hold up the deadline", kubelet: kubelet{shut: true}, probe: `, "readinessProbe": {"tcpSocket": {"port": 1}}`,
			runtime: runtime{sandboxes: []*criv1.PodSandbox{sandboxOf("u2", "d2", "2")}, containers: running, hangs: true}, want: "not well after"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.config.Deadline = max(c.config.Deadline, 2*time.Second)
			c.config.Soak, c.config.FileCheck = time.Second/2, time.Nanosecond
			n := newTestNode(t, &c.kubelet, &c.runtime, c.config)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err := n.Wait(ctx, Want{Running: wanted(t, c.probe), Whole: c.whole})
			var verdict *Verdict
			if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &verdict) || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestARemovedPodIsGoneOnlyWithItsSandbox(t *testing.T) {
	r := &runtime{sandboxes: []*criv1.PodSandbox{sandboxOf("u1", "d1", "1")}}
	n := newTestNode(t, &kubelet{}, r, Config{Deadline: 2 * time.Second})
	err := n.Wait(t.Context(), Want{Gone: wanted(t, "")})
	if err == nil || !strings.Contains(err.Error(), "is removed but still has 1 sandboxes") {
		t.Errorf("%v", err)
	}
	r.sandboxes = nil
	if err := n.Wait(t.Context(), Want{Gone: wanted(t, "")}); err != nil {
		t.Error(err)
	}
}

func TestWithoutWitnessesNothingIsBegunAndNobodyIsBlamed(t *testing.T) {
	n := newTestNode(t, &kubelet{}, &runtime{}, Config{Healthz: "http://127.0.0.1:1/healthz", Deadline: time.Minute})
	if err := n.Answers(t.Context()); err == nil || !strings.Contains(err.Error(), "the kubelet does not answer") {
		t.Errorf("%v", err)
	}
	err := n.Wait(t.Context(), Want{Running: wanted(t, ""), Patience: 2 * time.Second})
	var verdict *Verdict
	if err == nil || errors.As(err, &verdict) {
		t.Errorf("%v is a verdict on the Pods", err)
	}
	n = newTestNode(t, &kubelet{shut: true}, &runtime{}, Config{})
	if err := n.Answers(t.Context()); !errors.Is(err, ErrInitialising) {
		t.Errorf("%v", err)
	}
}
