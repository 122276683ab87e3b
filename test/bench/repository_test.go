//go:build bench

package bench

import (
	"os"
	"path/filepath"
	"testing"
)

// repository is a bare repository and a clone to push to it from.
type repository struct {
	b          testing.TB
	bare, tree string
}

// newRepository has the example fleet in its clone, not pushed yet.
func newRepository(b testing.TB) *repository {
	b.Helper()
	dir := b.TempDir()
	r := &repository{b, filepath.Join(dir, "fleet.git"), filepath.Join(dir, "tree")}
	git(b, dir, "init", "-q", "--bare", "-b", "main", r.bare)
	git(b, r.bare, "config", "gc.auto", "0") // no tidying up in the middle of a round
	git(b, dir, "init", "-q", "-b", "main", r.tree)
	git(b, r.tree, "config", "gc.auto", "0")
	git(b, r.tree, "remote", "add", "origin", r.bare)
	if err := os.CopyFS(r.tree, os.DirFS("../../examples/fleet")); err != nil {
		b.Fatal(err)
	}
	return r
}

func (r *repository) write(name, content string) {
	r.b.Helper()
	write(r.b, filepath.Join(r.tree, name), content)
}

// push commits all that has changed in the clone.
func (r *repository) push(subject string) {
	r.b.Helper()
	git(r.b, r.tree, "add", "-A")
	git(r.b, r.tree, "commit", "-q", "-m", subject)
	git(r.b, r.tree, "push", "-q", "origin", "main")
}
