// Package examples holds a fleet repository that works; this test keeps it so.
package examples

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/perch-gitops/perch/nodeselect"
	"github.com/perch-gitops/perch/sync/agent"
)

var update = flag.Bool("update", false, "write the golden files")

func TestTheExampleFleetRendersAsItDid(t *testing.T) {
	tree, err := os.OpenRoot("fleet")
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	node := nodeselect.Node{Name: "cp-1", Labels: map[string]string{"node-role.kubernetes.io/control-plane": ""}}
	manifests, err := agent.Manifests(t.Context(), tree.FS(), node)
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "cp-1")
	if *update {
		if err := os.MkdirAll(golden, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, manifest := range manifests {
		path := filepath.Join(golden, manifest.File)
		if *update {
			if err := os.WriteFile(path, manifest.Data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("%v; run go test ./examples -update and look at the difference", err)
		}
		if !bytes.Equal(manifest.Data, want) {
			t.Errorf("%s is not what %s has:\n%s", manifest.File, path, manifest.Data)
		}
	}
	if entries, err := os.ReadDir(golden); err != nil || len(entries) != len(manifests) {
		t.Errorf("%d manifests, %d golden files, %v", len(manifests), len(entries), err)
	}
}
