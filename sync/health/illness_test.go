package health

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/perch-gitops/perch/render"
)

func TestWhatAKubeletsPodSaysAboutItself(t *testing.T) {
	ready := corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionTrue}
	waiting := func(reason string, restarts int32) corev1.PodStatus {
		return corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{{
			Name: "main", RestartCount: restarts,
			State:                corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "the message"}},
			LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Error", ExitCode: 2, Message: "unknown flag: --nope"}},
		}}}
	}
	terminated := func(restarts, code int32) corev1.PodStatus {
		return corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{
			Name: "main", RestartCount: restarts,
			State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Error", ExitCode: code}},
		}}}
	}
	for _, c := range []struct {
		name     string
		status   corev1.PodStatus
		want     string // empty: well
		hopeless bool
		before   int32 // restarts when the observation began
	}{
		{"running and ready", corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{ready}}, "", false, 0},
		{"running, not ready", corev1.PodStatus{Phase: corev1.PodRunning}, "running but not Ready", false, 0},
		{"pending", corev1.PodStatus{Phase: corev1.PodPending}, "is Pending", false, 0},
		{"pending although once ready", corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{ready}}, "is Pending", false, 0},
		{"refused by the kubelet", corev1.PodStatus{Phase: corev1.PodFailed, Reason: "NodePorts", Message: "no free port"}, "NodePorts no free port", true, 0},
		{"a pull that failed once may yet work", waiting("ErrImagePull", 0), "is Pending", false, 0},
		{"a pull that the kubelet backs off from", waiting("ImagePullBackOff", 0), "ImagePullBackOff: the message", true, 0},
		{"an image name that is none", waiting("InvalidImageName", 0), "InvalidImageName", true, 0},
		{"a first crash may heal", waiting("CrashLoopBackOff", 1), "is Pending", false, 0},
		{"nor need a second", terminated(1, 2), "running but not Ready", false, 0},
		{"a third is the end, though the kubelet does not call it a loop yet", terminated(2, 2), "3 times", true, 0},
		{"work that is done is no crash", terminated(5, 0), "running but not Ready", false, 0},
		{"a third crash in the kubelet's words says how it ended", waiting("CrashLoopBackOff", 2), "unknown flag: --nope", true, 0},
		{"crashes of earlier days do not count", waiting("CrashLoopBackOff", 9), "is Pending", false, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := &Node{config: Config{CrashesToFail: 3}}
			watch := &podWatch{baseline: map[string]int32{"/main": c.before}}
			err := n.illness(&corev1.Pod{Status: c.status}, watch)
			var hopeless *hopelessError
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) || errors.As(err, &hopeless) != c.hopeless {
				t.Errorf("%v, hopeless %v", err, errors.As(err, &hopeless))
			}
		})
	}
}

func TestWhereTheAPIServerListens(t *testing.T) {
	for _, c := range []struct{ name, component, flags, want string }{
		{"kubeadm's default", "kube-apiserver", "--advertise-address=10.0.0.1", "https://127.0.0.1:6443"},
		{"another port, the last one counts", "kube-apiserver", `--secure-port=1", "--secure-port=7443`, "https://127.0.0.1:7443"},
		{"one address", "kube-apiserver", "--bind-address=192.0.2.1", "https://192.0.2.1:6443"},
		{"every address", "kube-apiserver", "--bind-address=::", "https://127.0.0.1:6443"},
		{"no API server here", "etcd", "--secure-port=1", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := render.Parse("x.yaml", []byte(`{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "labels": {"component": "`+c.component+
				`"}}, "spec": {"containers": [{"name": "x", "command": ["x", "`+c.flags+`"]}]}}`))
			if err != nil {
				t.Fatal(err)
			}
			if got := apiServerURL(render.Manifests{m}); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
