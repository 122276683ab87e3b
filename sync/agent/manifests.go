package agent

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"

	"github.com/perch-gitops/perch/nodeselect"
	"github.com/perch-gitops/perch/render"
)

// Manifests returns what a fleet repository means for a node.
func Manifests(ctx context.Context, tree fs.FS, node nodeselect.Node) (render.Manifests, error) {
	return new(fleetFile).manifests(ctx, tree, node)
}

// fleetFile keeps the fleet file that was read last: it is long in a large fleet and seldom changes, and what a node pays
// for a commit must not grow with the fleet.
type fleetFile struct {
	data  []byte
	fleet nodeselect.Fleet
}

func (f *fleetFile) manifests(ctx context.Context, tree fs.FS, node nodeselect.Node) (render.Manifests, error) {
	data, err := fs.ReadFile(tree, nodeselect.File)
	if err != nil {
		return nil, fmt.Errorf("read the fleet file at the root of the repository: %w", err)
	}
	if f.data == nil || !bytes.Equal(data, f.data) {
		fleet, err := nodeselect.Parse(data)
		if err != nil {
			return nil, err
		}
		f.data, f.fleet = data, fleet
	}
	overlays, err := f.fleet.Select(node)
	if err != nil {
		return nil, err
	}
	return render.Overlays(ctx, tree, overlays, node.Name)
}
