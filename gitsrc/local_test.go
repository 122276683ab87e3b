package gitsrc_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/perch-gitops/perch/gitsrc"
)

func TestLocalRepositoriesOfEveryKind(t *testing.T) {
	r := newRepo(t)
	large := strings.Repeat(r.blobless(1), 30_000)
	r.commit("large.yaml", large)
	r.commit("large.yaml", large+"changed\n")
	want := r.commit("dir/b.yaml", "two\n")
	elsewhere := func(args ...string) string {
		dir := filepath.Join(t.TempDir(), "copy")
		r.git(append(args, dir)...)
		return dir
	}
	packed := elsewhere("clone", "-q", "--bare", "--no-local", "file://"+r.dir)
	dirs := map[string]string{
		"with loose objects":          r.dir,
		"bare, packed with deltas":    packed,
		"with objects in another one": elsewhere("clone", "-q", "--shared", r.dir),
	}
	for name, dir := range dirs {
		t.Run(name, func(t *testing.T) {
			s, _ := source(t, dir, func(c *gitsrc.Config) { c.Limits.FileBytes = 10 << 20 })
			c := fetch(t, s)
			wantCommit(t, c, want)
			wantFile(t, c, "large.yaml", large+"changed\n")
		})
	}
	refused := map[string][2]string{
		"a shallow clone":    {elsewhere("clone", "-q", "--depth=1", "file://"+r.dir), "git fetch --unshallow"},
		"a linked work tree": {elsewhere("worktree", "add", "-q", "--detach"), "linked work tree"},
		"no folder":          {"/nonexistent/fleet", "is not a git repository"},
	}
	for name, tc := range refused {
		t.Run(name, func(t *testing.T) {
			s, _ := source(t, tc[0])
			fetchError(t, s, tc[0], tc[1])
		})
	}
}
