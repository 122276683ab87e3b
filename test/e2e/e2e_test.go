//go:build e2e

// Package e2e proves perch on a real kubelet, containerd, etcd and API server, and prints the timeline.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/perch-gitops/perch/test/fleet"
	"github.com/perch-gitops/perch/test/node"
)

// A node that is to become a control plane, from the example fleet.
func TestAControlPlane(t *testing.T) {
	t.Parallel()
	r := newRig(t, node.Options{Name: "cp-1"})
	r.tl.FollowPods(r.n)
	r.tl.FollowProbe("etcd", r.n.EtcdHealthy)
	r.tl.FollowProbe("kube-apiserver /readyz", r.n.APIServerReady)
	if err := fleet.WorkTree(t.Context(), r.n, r.git.tree); err != nil {
		t.Fatal(err)
	}
	overlay, apiserver := "overlays/control-plane/kustomization.yaml", "base/kube-apiserver.yaml"
	r.edit(overlay, "newTag: 3.7.3-0", "newTag: 3.6.16-0")
	const lastFlag = "    - --service-account-signing-key-file=/etc/kubernetes/pki/sa.key\n"
	story{
		pods:  []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"},
		first: "etcd", second: "kube-apiserver",
		upgrade: func(r *rig) {
			r.edit(overlay, "newTag: 3.6.16-0", "newTag: 3.7.3-0")
			r.edit(apiserver, lastFlag, lastFlag+"    - --event-ttl=2h\n")
		},
		badFlag: func(r *rig) { r.edit(apiserver, lastFlag, lastFlag+"    - --no-such-flag=1\n") },
		fix:     func(r *rig) { r.edit(apiserver, "--no-such-flag=1", "--min-request-timeout=1799") },
		both: func(r *rig) {
			r.edit(apiserver, "--event-ttl=2h", "--event-ttl=3h")
			r.edit("base/etcd.yaml", "--snapshot-count=10000", "--snapshot-count=20000")
		},
		badImage: func(r *rig) {
			r.edit(overlay, "- name: registry.k8s.io/kube-scheduler\n", "- name: registry.k8s.io/kube-scheduler\n  newName: 127.0.0.1:5/kube-scheduler\n")
		},
		remember: func(ctx context.Context) error { return createConfigMap(ctx, r.n) },
		recall: func(ctx context.Context) error {
			var found struct{ Data map[string]string }
			if err := r.n.APIGet(ctx, "/api/v1/namespaces/default/configmaps/perch", &found); err != nil {
				return err
			}
			return same(found.Data["written"], "before the upgrade")
		},
	}.tell(r)
}

func createConfigMap(ctx context.Context, n *node.Node) error {
	return n.APICreate(ctx, "/api/v1/namespaces/default/configmaps", map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "perch"},
		"data": map[string]string{"written": "before the upgrade"},
	})
}

// A kubelet that never had an API server: etcd, and a server and a bystander of the test's own.
func TestAKubeletWithoutAnyAPI(t *testing.T) {
	t.Parallel()
	r := newRig(t, node.Options{Name: "alone", Standalone: true})
	r.tl.FollowPods(r.n)
	web, err := node.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	bystander, err := node.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	r.put("perch.yaml", "apiVersion: perch/v1alpha1\nkind: Fleet\noverlays:\n- path: node\n  nodeNames: [alone]\n")
	r.put("node/kustomization.yaml", "resources: [etcd.yaml, web.yaml, bystander.yaml]\n")
	r.put("node/etcd.yaml", etcdPod(r.n))
	r.put("node/web.yaml", appPod("web", 10, web))
	r.put("node/bystander.yaml", appPod("bystander", 20, bystander))
	kv := fmt.Sprintf("http://127.0.0.1:%d/v3/kv", r.n.EtcdClient)
	story{
		pods:  []string{"etcd", "web", "bystander"},
		first: "etcd", second: "web",
		upgrade: func(r *rig) {
			r.edit("node/etcd.yaml", "etcd:3.6.16-0", "etcd:3.7.3-0")
			r.edit("node/web.yaml", "app:1", "app:2")
		},
		badFlag: func(r *rig) { r.edit("node/web.yaml", "--note=1", "--no-such-flag=1") },
		fix:     func(r *rig) { r.edit("node/web.yaml", "--no-such-flag=1", "--note=2") },
		both: func(r *rig) {
			r.edit("node/web.yaml", "--note=2", "--note=1")
			r.edit("node/etcd.yaml", "--snapshot-count=10000", "--snapshot-count=20000")
		},
		badImage: func(r *rig) { r.edit("node/bystander.yaml", "perch.test/app:1", "127.0.0.1:5/app:1") },
		remember: func(ctx context.Context) error {
			_, err := post(ctx, kv+"/put", map[string]string{"key": "cGVyY2g=", "value": "YmVmb3Jl"})
			return err
		},
		recall: func(ctx context.Context) error {
			answer, err := post(ctx, kv+"/range", map[string]string{"key": "cGVyY2g="})
			if err != nil {
				return err
			}
			if !strings.Contains(answer, `"value":"YmVmb3Jl"`) {
				return fmt.Errorf("etcd says %s", answer)
			}
			return nil
		},
	}.tell(r)
}

func etcdPod(n *node.Node) string {
	client, metrics := fmt.Sprintf("http://127.0.0.1:%d", n.EtcdClient), fmt.Sprintf("http://127.0.0.1:%d", n.EtcdMetrics)
	return fmt.Sprintf(`apiVersion: v1
kind: Pod
metadata: {name: etcd, namespace: kube-system, labels: {component: etcd}}
spec:
  hostNetwork: true
  containers:
  - name: etcd
    image: registry.k8s.io/etcd:3.6.16-0
    imagePullPolicy: IfNotPresent
    command: [etcd, --data-dir=/data, --listen-client-urls=%s, --advertise-client-urls=%s, --listen-metrics-urls=%s,
      "--listen-peer-urls=http://127.0.0.1:%d", "--initial-advertise-peer-urls=http://127.0.0.1:%d",
      "--initial-cluster=default=http://127.0.0.1:%d", --snapshot-count=10000]
    readinessProbe: {httpGet: {host: 127.0.0.1, port: %d, path: /readyz}, periodSeconds: 1}
    volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, hostPath: {path: %q, type: DirectoryOrCreate}}]
`, client, client, metrics, n.EtcdPeer, n.EtcdPeer, n.EtcdPeer, n.EtcdMetrics, filepath.Join(n.Dir, "etcd-alone"))
}

func appPod(name string, wave, port int) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Pod
metadata: {name: %s, namespace: kube-system, annotations: {perch/wave: "%d"}}
spec:
  hostNetwork: true
  terminationGracePeriodSeconds: 5
  containers:
  - name: app
    image: perch.test/app:1
    imagePullPolicy: IfNotPresent
    command: [app, "--listen=127.0.0.1:%d", --note=1]
    readinessProbe: {httpGet: {host: 127.0.0.1, port: %d, path: /readyz}, periodSeconds: 1}
`, name, wave, port, port)
}

func post(ctx context.Context, url string, body any) (string, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(data))
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, answer)
	}
	return string(answer), err
}

func same(got, want string) error {
	if got != want {
		return fmt.Errorf("got %q, want %q", got, want)
	}
	return nil
}
