//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/perch-gitops/perch/test/node"
)

// A node that ran its Pods before perch came: what is equal does not restart, what is foreign is not touched, and the first
// bad change returns to what was found.
func TestANodeThatRunsAlready(t *testing.T) {
	t.Parallel()
	r := newRig(t, node.Options{Name: "found", Standalone: true})
	ports := map[string]int{}
	for _, name := range []string{"web", "store", "foreign"} {
		port, err := node.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		ports[name] = port
		if err := r.n.WriteManifest(name+".yaml", []byte("# written by hand\n"+appPod(name, 10, port))); err != nil {
			t.Fatal(err)
		}
	}
	for name := range ports {
		if _, err := r.n.WaitForPod(t.Context(), func(pod *corev1.Pod) bool { return pod.Name == name+"-found" && node.Ready(pod) }); err != nil {
			t.Fatal(err)
		}
	}
	before, foreign := r.pods(), r.manifests()["foreign.yaml"]
	r.put("perch.yaml", "apiVersion: perch/v1alpha1\nkind: Fleet\noverlays:\n- path: node\n  nodeNames: [found]\n")
	r.put("node/kustomization.yaml", "resources: [web.yaml, store.yaml]\n")
	r.put("node/web.yaml", appPod("web", 10, ports["web"]))
	r.put("node/store.yaml", strings.Replace(appPod("store", 10, ports["store"]), "--note=1", "--no-such-flag", 1))
	bad := r.git.push("web as it is, store with a bad flag")
	if code, said := r.once(); code != 3 || !r.rejected(bad) {
		t.Fatalf("exit code %d, want 3: %s", code, said)
	}
	back := r.pods()
	if back["web"].UID != before["web"].UID || back["foreign"].UID != before["foreign"].UID {
		t.Error("a Pod that did not change restarted")
	}
	if args := fmt.Sprint(back["store"].Spec.Containers[0].Command); !strings.Contains(args, "--note=1") {
		t.Errorf("store runs %s, not what was found", args)
	}
	r.edit("node/store.yaml", "--no-such-flag", "--note=2")
	good := r.git.push("store with a good flag")
	if code, said := r.once(); code != 0 || !r.confirmed(good) {
		t.Fatalf("exit code %d, want 0: %s", code, said)
	}
	after := r.pods()
	if after["web"].UID != before["web"].UID || r.manifests()["foreign.yaml"] != foreign {
		t.Error("what was to stay did not")
	}
	r.put("node/kustomization.yaml", "resources: [store.yaml]\n")
	r.git.push("web is no longer ours to run")
	if code, said := r.once(); code != 0 {
		t.Fatalf("exit code %d, want 0: %s", code, said)
	}
	r.until(30*time.Second, "web is gone", func() bool { _, runs := r.pods()["web"]; return !runs })
	if files := r.manifests(); len(files) != 2 || files["foreign.yaml"] != foreign {
		t.Errorf("left are %v", files)
	}
}
