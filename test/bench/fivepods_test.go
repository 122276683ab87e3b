//go:build bench

package bench

import (
	"fmt"
	"testing"
)

// The five Pods are the example's control plane and a load balancer, in an overlay on the example's own.
const (
	fiveNode    = "cp-1"
	fiveOverlay = "overlays/five"

	fiveFleet = `apiVersion: perch/v1alpha1
kind: Fleet
overlays:
- path: overlays/five
  nodeNames: ["cp-*"]
`
	haproxy = `apiVersion: v1
kind: Pod
metadata: {name: haproxy, namespace: kube-system, labels: {component: haproxy, tier: control-plane}}
spec:
  hostNetwork: true
  priorityClassName: system-node-critical
  priority: 2000001000
  containers:
  - name: haproxy
    image: docker.io/library/haproxy
    livenessProbe: {httpGet: {host: 127.0.0.1, port: 8444, path: /healthz}, failureThreshold: 8}
    volumeMounts: [{name: config, mountPath: /usr/local/etc/haproxy, readOnly: true}]
  volumes: [{name: config, hostPath: {path: /etc/haproxy, type: Directory}}]
`
	fiveImages = `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../control-plane, haproxy.yaml]
images:
- {name: docker.io/library/haproxy, newTag: %[1]q}
- {name: registry.k8s.io/etcd, newTag: %[1]q}
- {name: registry.k8s.io/kube-apiserver, newTag: %[1]q}
- {name: registry.k8s.io/kube-controller-manager, newTag: %[1]q}
- {name: registry.k8s.io/kube-scheduler, newTag: %[1]q}
`
)

func fivePods(b testing.TB) *repository {
	b.Helper()
	r := newRepository(b)
	r.write("perch.yaml", fiveFleet)
	r.write(fiveOverlay+"/haproxy.yaml", haproxy)
	upgrade(r, "v0")
	return r
}

// upgrade pushes a commit that changes the image of each of the five Pods.
func upgrade(r *repository, tag string) {
	r.b.Helper()
	r.write(fiveOverlay+"/kustomization.yaml", fmt.Sprintf(fiveImages, tag))
	r.push("upgrade to " + tag)
}
