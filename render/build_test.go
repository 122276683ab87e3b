package render

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

func TestAPanicOfKustomizeIsAnError(t *testing.T) {
	r := renderer{limits: defaultLimits, run: func(filesys.FileSystem, string) (resmap.ResMap, error) { panic("oh") }}
	_, err := r.overlays(context.Background(), treeOf(one("")), []string{"o"}, "n")
	if err == nil || !strings.Contains(err.Error(), `render overlay "o": kustomize panicked: oh`) {
		t.Errorf("got %v", err)
	}
	if _, err := overlays(t, treeOf(one("")), "o"); err != nil {
		t.Errorf("the next build: %v", err)
	}
}

func TestABuildThatDoesNotEndIsLeftAndNoSecondOneRunsBesideIt(t *testing.T) {
	release, started := make(chan struct{}), make(chan struct{})
	r := renderer{limits: defaultLimits, run: func(m filesys.FileSystem, dir string) (resmap.ResMap, error) {
		close(started)
		<-release
		return kustomize(m, dir)
	}}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-started; cancel() }()
	_, err := r.overlays(ctx, treeOf(one("")), []string{"o"}, "n")
	if !errors.Is(err, context.Canceled) || errors.As(err, new(Problems)) {
		t.Errorf("got %v", err)
	}
	second := renderer{limits: defaultLimits, run: kustomize}
	second.limits.time = 20 * time.Millisecond
	if _, err := second.overlays(context.Background(), treeOf(one("")), []string{"o"}, "n"); !errors.Is(err, errTooLong) || !strings.Contains(err.Error(), "earlier build") {
		t.Errorf("the second: %v", err)
	}
	close(release)
	if _, err := overlays(t, treeOf(one("")), "o"); err != nil {
		t.Errorf("after it ended: %v", err)
	}
}

func TestACancelledContextReadsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	tree := &plain{FS: treeOf(one(""))}
	if _, err := Overlays(ctx, tree, []string{"o"}, "n"); !errors.Is(err, context.Canceled) || len(tree.opens) != 0 {
		t.Errorf("got %v, opened %v", err, tree.opens)
	}
}
