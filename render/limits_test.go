package render

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

func TestLinksAndIrregularFilesAreRefused(t *testing.T) {
	base := one("patches: [{path: sub/x.yaml}]")
	for name, mode := range map[string]fs.FileMode{"is a symbolic link": fs.ModeSymlink, "is neither a file nor a folder": fs.ModeNamedPipe} {
		for _, file := range []string{"o/sub/x.yaml", "o/sub", "o/p.yaml", "o/kustomization.yaml", "o"} {
			tree := treeOf(base)
			tree["o/sub/x.yaml"] = &fstest.MapFile{Data: []byte("a: b\n")}
			for f := range tree {
				if strings.HasPrefix(f, file+"/") {
					tree["real"+strings.TrimPrefix(f, file)] = tree[f]
					delete(tree, f)
				}
			}
			tree[file] = &fstest.MapFile{Data: []byte("/etc"), Mode: mode | 0o777}
			for with, tree := range map[string]fs.FS{"with Lstat": tree, "without Lstat": &plain{FS: tree}} {
				if _, err := overlays(t, tree, "o"); err == nil || !strings.Contains(err.Error(), `"`+file+`" `+name) {
					t.Errorf("%s, %s: %v", file, with, err)
				}
			}
		}
	}
}

func TestLimits(t *testing.T) {
	tree := treeFile(t, "testdata/control-plane.txtar")
	for name, tt := range map[string]struct {
		set  func(*limits)
		want string
	}{
		"files":    {func(l *limits) { l.files = 10 }, "needs more than 10 files"},
		"bytes":    {func(l *limits) { l.bytes = 1000 }, "needs more than 1000 bytes of files"},
		"depth":    {func(l *limits) { l.depth = 2 }, "more than 2 kustomizations deep"},
		"visits":   {func(l *limits) { l.visits = 3 }, "or 3 in all"},
		"pods":     {func(l *limits) { l.pods = 2 }, "renders 3 objects, more than 2"},
		"rendered": {func(l *limits) { l.rendered = 500 }, "renders more than 500 bytes"},
	} {
		r := renderer{limits: defaultLimits, run: kustomize}
		tt.set(&r.limits)
		_, err := r.overlays(context.Background(), tree, []string{"overlays/cp"}, "cp-1")
		if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.As(err, new(Problems)) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
