// Package fleet makes the example fleet repository fit a test node, by an overlay and nothing else.
package fleet

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/perch-gitops/perch/test/node"
)

// Overlay is the overlay that WorkTree adds. It stands on overlays/control-plane.
const Overlay = "overlays/test-node"

const fleetFile = `apiVersion: perch/v1alpha1
kind: Fleet
overlays:
- path: ` + Overlay + `
  nodeSelector: {matchLabels: {node-role.kubernetes.io/control-plane: ""}}
`

// WorkTree copies examples/fleet to the folder dir and adds Overlay, in which host paths, ports and the patience of probes are
// the node's, and all else is the example. The perch.yaml of the copy gives Overlay to control-plane nodes.
func WorkTree(ctx context.Context, n *node.Node, dir string) error {
	module, err := node.ModuleRoot(ctx)
	if err != nil {
		return err
	}
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(module, "..", "examples", "fleet"))); err != nil {
		return fmt.Errorf("copy the example fleet: %w", err)
	}
	example, err := build(filepath.Join(dir, "overlays", "control-plane"))
	if err != nil {
		return err
	}
	if err := writeOverlay(n, example, filepath.Join(dir, Overlay)); err != nil {
		return fmt.Errorf("write %s: %w", Overlay, err)
	}
	return os.WriteFile(filepath.Join(dir, "perch.yaml"), []byte(fleetFile), 0o644)
}

// Render renders an overlay of the work tree in dir, and returns its manifests by file name. It is for tests of the node itself;
// tests of perch leave this to perch.
func Render(dir, overlay string) (map[string][]byte, error) {
	resources, err := build(filepath.Join(dir, overlay))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, r := range resources.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			return nil, fmt.Errorf("render %s: %w", overlay, err)
		}
		name := r.GetName() + ".yaml"
		if r.GetNamespace() != "kube-system" {
			name = strings.Join([]string{r.GetNamespace(), name}, "_")
		}
		files[name] = text
	}
	return files, nil
}

func build(dir string) (resmap.ResMap, error) {
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = types.LoadRestrictionsRootOnly
	resources, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", dir, err)
	}
	return resources, nil
}
