//go:build e2e

package node

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// TestPodsOutliveTheirKubeletAndContainerd holds what tests of perch rely on when they restart either.
func TestPodsOutliveTheirKubeletAndContainerd(t *testing.T) {
	n := Start(t, Options{Standalone: true})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := runPod(ctx, n); err != nil {
		t.Fatal(err)
	}
	before := containerID(ctx, t, n)
	n.StopKubelet()
	n.StopContainerd()
	if _, err := n.Pods(ctx); err == nil {
		t.Error("the kubelet answers after it was stopped")
	}
	if err := n.StartContainerd(ctx); err != nil {
		t.Fatal(err)
	}
	if err := n.StartKubelet(ctx); err != nil {
		t.Fatal(err)
	}
	if after := containerID(ctx, t, n); after != before {
		t.Errorf("the container was %s, and is %s after the restart", before, after)
	}
}

func TestSeveralNodesLiveSideBySide(t *testing.T) {
	for _, name := range []string{"one", "two"} {
		n := Start(t, Options{Standalone: true, Name: name})
		if err := runPod(t.Context(), n); err != nil {
			t.Fatalf("node %s: %v", name, err)
		}
		pods, err := n.Pods(t.Context())
		if err != nil || len(pods) != 1 || pods[0].Name != "app-"+name {
			t.Errorf("node %s has pods %v, error %v", name, pods, err)
		}
	}
}

// TestAStandaloneKubeletTellsPodsTheirNode holds what the example fleet builds etcd's addresses from. The probe names its host,
// because such a kubelet does not put addresses into the Pod's status, and asks localhost otherwise.
func TestAStandaloneKubeletTellsPodsTheirNode(t *testing.T) {
	n := Start(t, Options{Standalone: true})
	port, err := FreePort()
	if err != nil {
		t.Fatal(err)
	}
	manifest := fmt.Appendf(nil, `apiVersion: v1
kind: Pod
metadata: {name: app, namespace: kube-system}
spec:
  hostNetwork: true
  containers:
  - name: app
    image: perch.test/app:1
    env: [{name: HOST_IP, valueFrom: {fieldRef: {fieldPath: status.hostIP}}}]
    args: ["--listen=$(HOST_IP):%d"]
    readinessProbe: {periodSeconds: 1, httpGet: {host: %s, port: %[1]d, path: /readyz}}
`, port, n.IP)
	if err := n.WriteManifest("app.yaml", manifest); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := n.WaitForPod(ctx, Ready); err != nil {
		t.Fatal(err)
	}
	if err := get(ctx, http.DefaultClient, fmt.Sprintf("http://%s:%d/readyz", n.IP, port)); err != nil {
		t.Error(err)
	}
}

func containerID(ctx context.Context, t *testing.T, n *Node) string {
	t.Helper()
	pod, err := n.WaitForPod(ctx, Ready)
	if err != nil {
		t.Fatal(err)
	}
	return pod.Status.ContainerStatuses[0].ContainerID
}
