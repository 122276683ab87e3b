// Package floors holds the house plan: imports point down only.
package floors

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/perch-gitops/perch/"

// floor is how high a package lies. A package may import only packages of lower floors, and those named as helpers.
var floor = map[string]int{
	"cmd/perch":                 5,
	"examples":                  5,
	"cmd/perch/internal/config": 4,
	"sync/agent":                4,
	"sync/rollout":              3,
	"sync/manifestdir":          2,
	"sync/history":              2,
	"sync/health":               2,
	"render":                    1,
	"gitsrc":                    1,
	"nodeselect":                1,
	"render/podcheck":           0,
	"internal/strictyaml":       -1,
	"internal/durable":          -1,
}

type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func list(t *testing.T) []listed {
	t.Helper()
	command := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports,Deps", "./...")
	command.Dir = "../.."
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	var packages []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); decoder.More(); {
		var p listed
		if err := decoder.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(p.ImportPath, module) {
			packages = append(packages, p)
		}
	}
	return packages
}

func TestImportsPointDownOnly(t *testing.T) {
	packages := list(t)
	if len(packages) != len(floor) {
		t.Errorf("%d packages, the plan has %d", len(packages), len(floor))
	}
	for _, p := range packages {
		importer := strings.TrimPrefix(p.ImportPath, module)
		height, known := floor[importer]
		if !known {
			t.Errorf("%s is not in the plan", importer)
		}
		for _, imported := range p.Imports {
			below, ours := strings.CutPrefix(imported, module)
			if ours && floor[below] >= height {
				t.Errorf("%s imports %s, which is not below it", importer, below)
			}
		}
	}
}

// The kubelet's internals are unsupported as a library: one package may need mending when they change.
func TestOnlyPodcheckKnowsTheKubeletsInternals(t *testing.T) {
	for _, p := range list(t) {
		for _, imported := range p.Imports {
			if strings.HasPrefix(imported, "k8s.io/kubernetes/") && p.ImportPath != module+"render/podcheck" {
				t.Errorf("%s imports %s", p.ImportPath, imported)
			}
		}
	}
}

// Reading Git and rendering never need an API client: what brings the API server up cannot wait for it.
func TestNothingNeedsAnAPIClient(t *testing.T) {
	for _, p := range list(t) {
		for _, imported := range p.Imports {
			if strings.HasPrefix(imported, "k8s.io/client-go/") {
				t.Errorf("%s imports %s", p.ImportPath, imported)
			}
		}
	}
}
