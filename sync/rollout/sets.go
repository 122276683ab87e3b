package rollout

import (
	"slices"
	"strings"

	"github.com/perch-gitops/perch/render"
)

// union returns the manifests of all sets, sorted by file; of one file, the first set's.
func union(sets ...render.Manifests) render.Manifests {
	var all render.Manifests
	for _, set := range sets {
		all = append(all, without(set, all)...)
	}
	slices.SortFunc(all, func(a, b render.Manifest) int { return strings.Compare(a.File, b.File) })
	return all
}

// without returns the manifests of a set whose files are not in another one.
func without(set, other render.Manifests) render.Manifests {
	var left render.Manifests
	for _, manifest := range set {
		if !slices.Contains(files(other), manifest.File) {
			left = append(left, manifest)
		}
	}
	return left
}

func files(set render.Manifests) []string {
	names := make([]string, 0, len(set))
	for _, manifest := range set {
		names = append(names, manifest.File)
	}
	return names
}
