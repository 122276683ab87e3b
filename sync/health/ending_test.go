package health

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	podsv1alpha1 "k8s.io/kubelet/pkg/apis/pods/v1alpha1"
)

func TestEnding(t *testing.T) {
	deleted := &podsv1alpha1.WatchPodsEvent{Type: podsv1alpha1.EventType_DELETED}
	added := &podsv1alpha1.WatchPodsEvent{Type: podsv1alpha1.EventType_ADDED}
	var err error
	if deleted.Pod, err = podOf("u2", "", "", false).Marshal(); err != nil {
		t.Fatal(err)
	}
	if added.Pod, err = podOf("u3", "d3", "3", false).Marshal(); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("no room")
	for _, c := range []struct {
		name   string
		shut   bool
		pods   []*corev1.Pod
		events []*podsv1alpha1.WatchPodsEvent
		write  error
		want   bool
	}{
		{name: "the old Pod ends", pods: []*corev1.Pod{podOf("u2", "d2", "2", true)}, events: []*podsv1alpha1.WatchPodsEvent{deleted}, want: true},
		{name: "the successor starts by itself", pods: []*corev1.Pod{podOf("u2", "d2", "2", true)}, events: []*podsv1alpha1.WatchPodsEvent{added}},
		{name: "the watch breaks, and what it says afterwards proves nothing", pods: []*corev1.Pod{podOf("u2", "d2", "2", true)}, events: []*podsv1alpha1.WatchPodsEvent{nil}},
		{name: "another content runs", pods: []*corev1.Pod{podOf("u1", "d1", "1", true)}},
		{name: "nothing runs"},
		{name: "the kubelet does not show its Pods", shut: true},
		{name: "the write fails", pods: []*corev1.Pod{podOf("u2", "d2", "2", true)}, write: refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := &kubelet{shut: c.shut, pods: c.pods, events: make(chan *podsv1alpha1.WatchPodsEvent, 1)}
			n := newTestNode(t, k, &runtime{}, Config{})
			writes := 0
			ended, err := n.Ending(t.Context(), wanted(t, "")[0], func() error {
				writes++
				for _, event := range c.events {
					k.events <- event
				}
				return c.write
			})
			if ended != c.want || !errors.Is(err, c.write) || writes != 1 {
				t.Errorf("ended %v, %v, %d writes", ended, err, writes)
			}
		})
	}
}
