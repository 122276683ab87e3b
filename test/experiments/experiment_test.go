//go:build experiment

// Package experiments asks a real kubelet the questions the design rests on. Each test prints a timeline and judges little:
//
//	go test -tags experiment -v -timeout 60m ./experiments
package experiments

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/perch-gitops/perch/test/node"
)

// app describes a manifest of the test app.
type app struct {
	name    string
	port    int
	args    []string
	attempt int
	grace   int64
	image   string
	policy  corev1.RestartPolicy
}

// manifest returns the app's file with the annotations that perch gives, and its digest.
func (a app) manifest(t *testing.T) (content []byte, digest string) {
	t.Helper()
	if a.image == "" {
		a.image = node.App1
	}
	pod := corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: a.name, Namespace: "kube-system"},
		Spec: corev1.PodSpec{
			HostNetwork: true, TerminationGracePeriodSeconds: &a.grace, RestartPolicy: a.policy,
			Containers: []corev1.Container{{
				Name: "app", Image: a.image, ImagePullPolicy: corev1.PullIfNotPresent,
				Args: append([]string{fmt.Sprintf("--listen=127.0.0.1:%d", a.port)}, a.args...),
				ReadinessProbe: &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{
					HTTPGet: &corev1.HTTPGetAction{Host: "127.0.0.1", Path: "/readyz", Port: intstr.FromInt(a.port)},
				}},
			}},
		},
	}
	digest = fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(append(a.args, a.image), " "))))[:8]
	pod.Annotations = map[string]string{"perch/digest": digest, "perch/attempt": fmt.Sprint(a.attempt)}
	content, err := yaml.Marshal(pod)
	if err != nil {
		t.Error(err)
	}
	return content, digest
}

func (a app) file() string { return "kube-system_" + a.name + ".yaml" }

// put writes the app's manifest and says so.
func (a app) put(t *testing.T, n *node.Node, tl *node.Timeline) (digest string) {
	t.Helper()
	content, digest := a.manifest(t)
	if err := n.WriteManifest(a.file(), content); err != nil {
		t.Error(err)
	}
	tl.Add("=== rename: %s digest=%s attempt=%d %v", a.name, digest, a.attempt, a.args)
	return digest
}

// is reports whether p is this very attempt of the app.
func (a app) is(p *corev1.Pod, n *node.Node, digest string) bool {
	return p.Name == a.name+"-"+n.Name && p.Annotations["perch/digest"] == digest && p.Annotations["perch/attempt"] == fmt.Sprint(a.attempt)
}

// awaitReady waits a minute at most for the app to be ready.
func (a app) awaitReady(ctx context.Context, n *node.Node, digest string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	_, err := n.WaitForPod(ctx, func(p *corev1.Pod) bool { return node.Ready(p) && a.is(p, n, digest) })
	return err
}

// timeline prints to the test's log, and ends with the test.
func timeline(t *testing.T) *node.Timeline {
	tl := node.NewTimeline(t.Context(), t.Logf)
	t.Cleanup(tl.Close)
	return tl
}

func standalone(t *testing.T) *node.Node {
	return node.Start(t, node.Options{Standalone: true})
}

func freePort(t *testing.T) int {
	port, err := node.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
