//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// finishesForwardAfterACrash kills the agent between two renames, and starts it again with Git away.
func (s story) finishesForwardAfterACrash(r *rig) {
	s.both(r)
	r.start()
	before := r.manifests()
	commit := r.git.push("a change of two Pods")
	first, second := s.first+".yaml", s.second+".yaml"
	r.until(time.Minute, "the first of two files is written", func() bool { return r.manifests()[first] != before[first] })
	r.kill()
	if r.manifests()[second] != before[second] {
		r.Fatal("the second file is written too: this was not between the renames")
	}
	r.git.away.Store(true)
	r.start()
	// Two Pods, each with the agent's own deadline of 3 min and its predecessor's grace; seen: 95 to 169 s.
	r.until(8*time.Minute, "the change is confirmed, without Git", func() bool { return r.confirmed(commit) })
	r.git.away.Store(false)
	s.answers(r)
}

// finishesTheWayBackAfterACrash kills the agent while it observes a bad revision, and again on the way back.
func (s story) finishesTheWayBackAfterACrash(r *rig) {
	good := r.status().Confirmed
	s.badFlag(r)
	r.start()
	before := r.manifests()
	commit := r.git.push("a flag that does not exist, and crashes of the agent")
	file := s.second + ".yaml"
	r.until(time.Minute, "the bad manifest is written", func() bool { return r.manifests()[file] != before[file] })
	r.kill()
	r.git.away.Store(true)
	defer r.git.away.Store(false)
	r.start()
	r.until(4*time.Minute, "it is turned back, without Git", func() bool { f := r.status().InFlight; return f != nil && f.Back != nil })
	r.kill()
	r.start()
	r.until(4*time.Minute, "it is condemned, without Git", func() bool { return r.rejected(commit) })
	if now := r.status(); *now.Confirmed != *good {
		r.Errorf("confirmed is %v, was %v", now.Confirmed, good)
	}
	s.answers(r)
	if err := s.recall(r.Context()); err != nil {
		r.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(r.n.ManifestDir, ".*")); len(left) != 0 {
		r.Errorf("temporary files are left: %v", left)
	}
}

func readySince(pod corev1.Pod) time.Time {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
			return condition.LastTransitionTime.Time
		}
	}
	return time.Time{}
}

// modified is when a Pod's file was written; to the second, as Kubernetes counts.
func (r *rig) modified(pod string) time.Time {
	r.Helper()
	info, err := os.Stat(filepath.Join(r.n.ManifestDir, pod+".yaml"))
	if err != nil {
		r.Fatal(err)
	}
	return info.ModTime().Truncate(time.Second)
}

func uids(pods map[string]corev1.Pod) map[string]types.UID {
	all := map[string]types.UID{}
	for name, pod := range pods {
		all[strings.TrimSpace(name)] = pod.UID
	}
	return all
}
