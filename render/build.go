package render

import (
	"context"
	"fmt"
	"path"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"
)

// building is held by the one build that may run: kustomize keeps the OpenAPI schema that it
// merges by in global variables.
var building = make(chan struct{}, 1)

// build runs kustomize on an overlay in memory.
//
// kustomize takes no context and cannot be stopped. When ctx ends first, its goroutine is left
// to itself: it works on memory of its own only, and goes on holding the
// turn, so that there is never a second one beside it. Until it ends each later build
// fails when its own ctx does. The walk's limits are what makes that improbable.
func build(ctx context.Context, memory filesys.FileSystem, overlay string, run runFunc) (resmap.ResMap, error) {
	select {
	case building <- struct{}{}:
	case <-ctx.Done():
		return nil, timeout{fmt.Errorf("wait for an earlier build that has not ended: %w", context.Cause(ctx))}
	}
	type result struct {
		objects resmap.ResMap
		err     error
	}
	done := make(chan result, 1)
	go func() {
		defer func() { <-building }()
		objects, err := recovered(memory, overlay, run)
		done <- result{objects, err}
	}()
	select {
	case r := <-done:
		return r.objects, r.err
	case <-ctx.Done():
		return nil, timeout{fmt.Errorf("kustomize did not end: %w", context.Cause(ctx))}
	}
}

// timeout is an error that is not the repository's fault, as far as can be told.
type timeout struct{ error }

func (t timeout) Unwrap() error { return t.error }

// runFunc is kustomize; a test puts something slow or something that panics in its place.
type runFunc func(filesys.FileSystem, string) (resmap.ResMap, error)

func kustomize(memory filesys.FileSystem, dir string) (resmap.ResMap, error) {
	// What an earlier build may have left behind decides how lists are merged.
	openapi.ResetOpenAPI()
	return krusty.MakeKustomizer(&krusty.Options{
		Reorder:          krusty.ReorderOptionNone,
		LoadRestrictions: types.LoadRestrictionsRootOnly,
		PluginConfig:     types.DisabledPluginConfig(),
	}).Run(memory, dir)
}

// recovered makes an error of a panic: kustomize has several for input that it does not expect.
func recovered(memory filesys.FileSystem, overlay string, run runFunc) (objects resmap.ResMap, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("kustomize panicked: %v", r)
		}
	}()
	objects, err = run(memory, path.Join(mount, overlay))
	if err != nil {
		// One line, and the paths as they are in the repository.
		err = fmt.Errorf("kustomize: %s", strings.ReplaceAll(strings.Join(strings.Fields(err.Error()), " "), mount+"/", ""))
	}
	return objects, err
}
