package fleet

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/perch-gitops/perch/test/node"
)

func TestTheOverlayChangesNothingButWhatTheNodeNeeds(t *testing.T) {
	n := &node.Node{KubeconfigDir: "/t/kubernetes", EtcdDataDir: "/t/etcd", Ports: node.Ports{
		EtcdClient: 1, EtcdPeer: 2, EtcdMetrics: 3, APIServer: 4, ControllerManager: 5, Scheduler: 6,
	}}
	dir := t.TempDir()
	if err := WorkTree(t.Context(), n, dir); err != nil {
		t.Fatal(err)
	}
	example, err := Render(dir, "overlays/control-plane")
	if err != nil {
		t.Fatal(err)
	}
	adapted, err := Render(dir, Overlay)
	if err != nil {
		t.Fatal(err)
	}
	if len(example) != 4 || len(adapted) != 4 {
		t.Fatalf("the example has %d manifests, its adaption %d; want 4", len(example), len(adapted))
	}
	var changed []string
	for name, text := range example {
		changed = append(changed, difference(string(text), string(adapted[name]))...)
	}
	for _, line := range changed {
		if !anyOf(line, "/t/", "ort", "Seconds: 1", "failureThreshold: 240", "cpu: 10m", "memory: 32Mi", "etcd-servers", "urls=", "initial-cluster=") {
			t.Errorf("unexpected change: %s", line)
		}
	}
	for _, usual := range []string{"2379", "2380", "2381", "6443", "10257", "10259", "path: /etc/kubernetes/pki", "path: /var/lib"} {
		for name, text := range adapted {
			if strings.Contains(strings.ReplaceAll(string(text), "mountPath", ""), " "+usual) || strings.Contains(string(text), ":"+usual) {
				t.Errorf("%s still has %q", name, usual)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, Overlay, "kustomization.yaml")); err != nil {
		t.Error(err)
	}
}

// difference lists lines of adapted that are not at the same place in example.
func difference(example, adapted string) []string {
	was := strings.Split(example, "\n")
	var lines []string
	for i, line := range strings.Split(adapted, "\n") {
		if i >= len(was) || line != was[i] {
			lines = append(lines, line)
		}
	}
	return lines
}

func anyOf(line string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(line, p) {
			return true
		}
	}
	return false
}
