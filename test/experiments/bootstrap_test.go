//go:build experiment

package experiments

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"crypto/tls"

	corev1 "k8s.io/api/core/v1"

	"github.com/perch-gitops/perch/test/fleet"
	"github.com/perch-gitops/perch/test/node"
)

// TestBootstrap prints how a whole control plane comes up from the example fleet when all its files arrive at once.
func TestBootstrap(t *testing.T) {
	n := node.Start(t, node.Options{})
	manifests := exampleManifests(t, n)
	tl := timeline(t)
	followControlPlane(tl, n)
	tl.Restart()
	for name, content := range manifests {
		if err := n.WriteManifest(name, content); err != nil {
			t.Fatal(err)
		}
	}
	tl.Add("=== all files are there")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	awaitReadyPods(ctx, t, n, 4)
	tl.Add("=== all Pods are ready")
	pause(ctx, 15*time.Second)
	showCluster(t, n)

	tl.Restart()
	tl.Add("=== the kubelet restarts while the API server is well")
	if err := n.RestartKubelet(ctx); err != nil {
		t.Fatal(err)
	}
	awaitReadyPods(ctx, t, n, 4)
	tl.Add("=== all Pods are ready")
	restartWithoutAPIServer(t, n, tl, manifests["kube-apiserver.yaml"])
}

// exampleManifests are those of the example fleet, fit for n.
func exampleManifests(t *testing.T, n *node.Node) map[string][]byte {
	tree := t.TempDir()
	if err := fleet.WorkTree(t.Context(), n, tree); err != nil {
		t.Fatal(err)
	}
	manifests, err := fleet.Render(tree, fleet.Overlay)
	if err != nil {
		t.Fatal(err)
	}
	return manifests
}

// restartWithoutAPIServer removes the API server, restarts the kubelet, and puts the API server back.
func restartWithoutAPIServer(t *testing.T, n *node.Node, tl *node.Timeline, apiserver []byte) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	tl.Restart()
	tl.Add("=== the API server's file is removed")
	if err := n.RemoveManifest("kube-apiserver.yaml"); err != nil {
		t.Fatal(err)
	}
	for n.APIServerReady(ctx) == nil {
		pause(ctx, 200*time.Millisecond)
	}
	pause(ctx, 40*time.Second)
	tl.Add("=== the kubelet restarts while there is no API server")
	if err := n.RestartKubelet(ctx); err != nil {
		t.Fatal(err)
	}
	pause(ctx, 10*time.Second)
	tl.Add("=== the API server's file is put back")
	if err := n.WriteManifest("kube-apiserver.yaml", apiserver); err != nil {
		t.Fatal(err)
	}
	awaitReadyPods(ctx, t, n, 4)
	tl.Add("=== all Pods are ready")
}

func followControlPlane(tl *node.Timeline, n *node.Node) {
	tl.FollowPods(n)
	tl.FollowSandboxes(n)
	tl.FollowProbe("etcd", n.EtcdHealthy)
	tl.FollowProbe("kube-apiserver /readyz (anonymous)", n.APIServerReady)
	tl.FollowProbe("kube-controller-manager", secure(n.ControllerManager, "/healthz"))
	tl.FollowProbe("kube-scheduler", secure(n.Scheduler, "/readyz"))
	tl.FollowProbe("node registered", func(ctx context.Context) error { return n.APIGet(ctx, "/api/v1/nodes/"+n.Name, &corev1.Node{}) })
	for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"} {
		path := fmt.Sprintf("/api/v1/namespaces/kube-system/pods/%s-%s", name, n.Name)
		tl.FollowProbe("mirror of "+name, func(ctx context.Context) error { return n.APIGet(ctx, path, &corev1.Pod{}) })
	}
}

func awaitReadyPods(ctx context.Context, t *testing.T, n *node.Node, want int) {
	t.Helper()
	for {
		pods, err := n.Pods(ctx)
		ready := 0
		for i := range pods {
			if node.Ready(&pods[i]) {
				ready++
			}
		}
		if ready == want {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("%d of %d pods are ready, error %v", ready, want, err)
		}
		pause(ctx, 200*time.Millisecond)
	}
}

func showCluster(t *testing.T, n *node.Node) {
	var nodes corev1.NodeList
	if err := n.APIGet(t.Context(), "/api/v1/nodes", &nodes); err != nil {
		t.Error(err)
	}
	for _, object := range nodes.Items {
		t.Logf("node %s addresses %v labels %v", object.Name, object.Status.Addresses, object.Labels)
		for _, c := range object.Status.Conditions {
			t.Logf("  %s=%s %s", c.Type, c.Status, c.Reason)
		}
	}
	var pods corev1.PodList
	if err := n.APIGet(t.Context(), "/api/v1/namespaces/kube-system/pods", &pods); err != nil {
		t.Error(err)
	}
	for i := range pods.Items {
		t.Log(node.Describe(&pods.Items[i]), "annotations", pods.Items[i].Annotations)
	}
}

func secure(port int, path string) func(context.Context) error {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("https://127.0.0.1:%d%s", port, path), nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s", response.Status)
		}
		return nil
	}
}
