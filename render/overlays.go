package render

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/perch-gitops/perch/render/podcheck"
)

// Overlays renders overlays, given as folders of the tree, and checks that the node of that
// name can run what comes out: each Pod, and all of them together. The order of the
// overlays does not matter. No overlay gives no manifests; an overlay that renders nothing
// is an error.
//
// The error is of type Problems, and holds all of them, if what the repository says is
// wrong. Any other (the tree cannot be read, ctx ended, or 30 seconds passed) says
// nothing about the repository. Either way there are no manifests.
func Overlays(ctx context.Context, tree fs.FS, overlays []string, nodeName string) (Manifests, error) {
	r := renderer{limits: defaultLimits, run: kustomize}
	return r.overlays(ctx, tree, overlays, nodeName)
}

// renderer is what a test can change.
type renderer struct {
	limits limits
	guards guards
	run    runFunc
}

var errTooLong = errors.New("rendering took too long")

func (r renderer) overlays(ctx context.Context, tree fs.FS, overlays []string, nodeName string) (Manifests, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.limits.time, errTooLong)
	defer cancel()
	src := newSource(ctx, tree, r.limits)
	var all Manifests
	var problems Problems
	for _, overlay := range slices.Compact(slices.Sorted(slices.Values(overlays))) {
		ms, ps, err := r.overlay(ctx, src, overlay, nodeName)
		if err != nil {
			return nil, fmt.Errorf("render overlay %q: %w", overlay, err)
		}
		all, problems = append(all, ms...), append(problems, ps...)
	}
	problems = append(problems, clashes(all)...)
	if len(problems) > 0 {
		return nil, problems.sorted()
	}
	all.Sort()
	return all, nil
}

// overlay renders one overlay. The error is not the repository's fault.
func (r renderer) overlay(ctx context.Context, src *source, overlay, nodeName string) (Manifests, Problems, error) {
	w := newWalker(src, overlay, r.guards)
	if !fs.ValidPath(overlay) || strings.Contains(overlay, "\\") {
		w.problem("", 0, "", "is no clean, relative path of a folder")
		return nil, w.problems, nil
	}
	if err := w.folder(overlay, from{}, nil, types.KustomizationKind); err != nil || len(w.problems) > 0 {
		return nil, w.problems, err
	}
	objects, err := build(ctx, w.memory, overlay, r.run)
	if errors.As(err, new(timeout)) {
		return nil, nil, err
	} else if err != nil {
		w.problem("", 0, "", "%v", err)
		return nil, w.problems, nil
	}
	ms, err := w.pods(objects, nodeName)
	return ms, w.problems, err
}

// clashes returns the Pods that the node cannot run together.
func clashes(ms Manifests) (ps Problems) {
	pods := make([]*corev1.Pod, len(ms))
	for i, m := range ms {
		pods[i] = m.Pod
	}
	var found podcheck.Clashes
	errors.As(podcheck.Set(pods...), &found)
	for _, c := range found {
		a, b := ms[c.First], ms[c.Second]
		ps = append(ps, Problem{Message: fmt.Sprintf("%s: overlay %q (%s) and overlay %q (%s)", c.Message, a.Overlay, a.origin, b.Overlay, b.origin)})
	}
	files := map[string]Manifest{}
	for _, m := range ms {
		// Cannot happen for two Pods of different names; if FileName ever changes, it must not.
		if o, taken := files[m.File]; taken && o.String() != m.String() {
			ps = append(ps, Problem{Message: fmt.Sprintf("Pods %s and %s would be the same file %s", o, m, m.File)})
		}
		files[m.File] = m
	}
	return ps
}
