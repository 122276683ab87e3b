package render

import (
	"context"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
)

// treeOf makes a tree of txtar text.
func treeOf(text string) fstest.MapFS {
	tree := fstest.MapFS{}
	for _, f := range txtar.Parse([]byte(text)).Files {
		tree[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
	}
	return tree
}

func treeFile(t *testing.T, name string) fstest.MapFS {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return treeOf(string(data))
}

func overlays(t *testing.T, tree fs.FS, names ...string) (Manifests, error) {
	t.Helper()
	return Overlays(context.Background(), tree, names, "cp-1")
}

// plain hides that a tree can Lstat, and counts what is opened.
type plain struct {
	fs.FS
	mu    sync.Mutex
	opens map[string]int
}

func (p *plain) Open(name string) (fs.File, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.opens == nil {
		p.opens = map[string]int{}
	}
	p.opens[name]++
	return p.FS.Open(name)
}

// linking is a tree with Lstat that counts what is opened.
type linking struct{ plain }

func (l *linking) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(l.FS, name) }
func (l *linking) ReadLink(name string) (string, error)   { return fs.ReadLink(l.FS, name) }

// pod is the text of a good Pod with more lines under spec.
func pod(name string, spec ...string) string {
	return "apiVersion: v1\nkind: Pod\nmetadata:\n  name: " + name + "\n  namespace: kube-system\nspec:\n  containers:\n  - name: c\n    image: i:1\n" + strings.Join(spec, "")
}

// one is a tree whose overlay o names one resource file with a Pod, with a
// kustomization of more lines, and more files.
func one(kustomization string, files ...string) string {
	text := "-- o/kustomization.yaml --\nresources: [p.yaml]\n" + kustomization + "\n-- o/p.yaml --\n" + pod("p")
	return text + strings.Join(files, "")
}
